"""Whatever replies look like, the proxy tells them apart."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.local.server import RedisServer
from support.proxy import FaultyProxy, read_value
from support.wire import REPLIES, Wire, direct, packed


@pytest.mark.parametrize("protocol", [2, 3])
@pytest.mark.parametrize("command", REPLIES.values(), ids=REPLIES)
class TestFraming:
    def test_every_reply_passes_unchanged(
        self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire], command: bytes, protocol: int
    ) -> None:
        end = packed("ECHO", "the end")
        plain, proxied = wire(server.port, protocol), wire(proxy.port, protocol)

        plain.send(command, command, end)
        proxied.send(command, command, end)

        assert proxied.until(b"the end\r\n") == plain.until(b"the end\r\n")

    def test_every_reply_is_lost_whole_and_alone(
        self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire], command: bytes, protocol: int
    ) -> None:
        proxied = wire(proxy.port, protocol)
        proxy.drop_reply(2, match="eval")

        proxied.send(command, packed("ECHO", "the end"), command, command, packed("PING"))

        before = wire(server.port, protocol)
        before.send(command, packed("ECHO", "the end"))
        assert proxied.rest() == before.until(b"the end\r\n")
        assert direct(server).get("runs") == b"3", "the first, the lost one and the direct one"


def split(sent: bytes) -> list[tuple[bytes, bytes]]:
    """Read values until the bytes are used up."""

    async def read() -> list[tuple[bytes, bytes]]:
        stream, values = asyncio.StreamReader(), []
        stream.feed_data(sent)
        stream.feed_eof()
        while not stream.at_eof():
            values.append(await read_value(stream))
        return values

    return asyncio.run(read())


SCALARS = st.one_of(
    st.integers().map(lambda n: b":%d\r\n" % n),
    st.integers().map(lambda n: b"(%d\r\n" % n),
    st.floats().map(lambda x: f",{x}\r\n".encode()),
    st.sampled_from([b"_\r\n", b"#t\r\n", b"#f\r\n", b"$-1\r\n", b"*-1\r\n", b"+OK\r\n", b"-ERR no\r\n", b"+\r\n"]),
    st.tuples(st.sampled_from([b"$", b"!", b"="]), st.binary(max_size=20)).map(
        lambda blob: b"%s%d\r\n%s\r\n" % (blob[0], len(blob[1]), blob[1])
    ),
)


def holding(values: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    lists, pairs = st.lists(values, max_size=4), st.lists(st.tuples(values, values).map(b"".join), max_size=3)
    return st.one_of(
        st.tuples(st.sampled_from([b"*", b"~"]), lists).map(lambda v: b"%s%d\r\n" % (v[0], len(v[1])) + b"".join(v[1])),
        pairs.map(lambda v: b"%%%d\r\n" % len(v) + b"".join(v)),
        st.tuples(pairs, values).map(lambda v: b"|%d\r\n" % len(v[0]) + b"".join(v[0]) + v[1]),
    )


VALUES = st.recursive(SCALARS, holding, max_leaves=12)
PUSHES = st.lists(VALUES, max_size=4).map(lambda v: b">%d\r\n" % len(v) + b"".join(v))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(VALUES, PUSHES), max_size=5))
def test_values_that_follow_each_other_are_told_apart(values: list[bytes]) -> None:
    assert [raw for _, raw in split(b"".join(values))] == values


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b"*1\r\n>0\r\n", b"*"),
        (b">1\r\n+invalidate\r\n", b">"),
        (b"|1\r\n+a\r\n*1\r\n:1\r\n>1\r\n+message\r\n", b">"),
        (b"|1\r\n+a\r\n|1\r\n+b\r\n:1\r\n:2\r\n%1\r\n+c\r\n:3\r\n", b"%"),
        (b"!7\r\nERR \r\n!\r\n", b"!"),
    ],
)
def test_the_kind_is_that_of_the_outermost_value_behind_its_attributes(sent: bytes, kind: bytes) -> None:
    assert split(sent) == [(kind, sent)]
