"""The proxy loses exactly what it was told to lose, whatever the replies look like, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
import redis
from hypothesis import given, settings
from hypothesis import strategies as st

from handoff.local.server import RedisServer
from support import need_redis_server
from support.proxy import Command, FaultyProxy, read_value

LIMIT_S = 20


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    need_redis_server()
    with RedisServer() as running:
        yield running


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[FaultyProxy]:
    direct(server).flushall()
    with FaultyProxy("127.0.0.1", server.port) as running:
        yield running


def direct(server: RedisServer) -> redis.Redis:
    return redis.Redis.from_url(server.url, socket_timeout=LIMIT_S)


def through(proxy: FaultyProxy, server: RedisServer, **options: object) -> redis.Redis:
    """Make a client that sends nothing twice by itself."""
    return redis.Redis.from_url(proxy.url(server.url), socket_timeout=LIMIT_S, **options)


def packed(*words: str | bytes) -> bytes:
    encoded = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


class Wire:
    """A connection that shows the bytes: logged in, in RESP2 or RESP3."""

    def __init__(self, port: int, url: str, protocol: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S)
        password = url.split(":")[2].split("@")[0]
        self.send(packed("HELLO", str(protocol), "AUTH", "default", password), packed("ECHO", "ready"))
        self.until(b"$5\r\nready\r\n")

    def send(self, *commands: bytes) -> None:
        self.socket.sendall(b"".join(commands))

    def until(self, end: bytes) -> bytes:
        """Receive up to and with these bytes."""
        received = bytearray()
        while not received.endswith(end):
            some = self.socket.recv(1 << 20)
            assert some, f"the connection ended after {bytes(received[-100:])!r}"
            received += some
        return bytes(received)

    def rest(self) -> bytes:
        """Receive all up to the end of the connection."""
        received = bytearray()
        while some := self.socket.recv(1 << 20):
            received += some
        return bytes(received)


@pytest.fixture
def wire(server: RedisServer) -> Iterator[Callable[[int, int], Wire]]:
    with contextlib.ExitStack() as stack:

        def connect(port: int, protocol: int) -> Wire:
            made = Wire(port, server.url, protocol)
            stack.enter_context(made.socket)
            return made

        yield connect


def script(body: str) -> bytes:
    """Pack a script that counts its runs and returns what `body` says, of any type of RESP3."""
    return packed("EVAL", f"redis.call('INCR', 'runs') redis.setresp(3) {body}", "0")


REPLIES = {
    "status": script("return redis.status_reply('FINE')"),
    "error": script("return redis.error_reply('NOT so')"),
    "integer": script("return -12"),
    "bulk": script("return 'a\\r\\n$-1\\r\\n'"),
    "empty bulk": script("return ''"),
    "null": script("return false"),
    "8 MB": script("return string.rep('x', 8 * 1024 * 1024)"),
    "array": script("return {1, 'two', {ok = 'three'}}"),
    "empty array": script("return {}"),
    "nested arrays": script("return {{1, {2, {}, {'3'}}}, {{{}}}, 'end'}"),
    "wide array": script("local t = {} for i = 1, 5000 do t[i] = {i, tostring(i)} end return t"),
    "map": script("return {map = {a = {map = {b = {1, 2}}}}}"),
    "set": script("return {set = {a = true, b = true}}"),
    "double": script("return {double = 3.25}"),
    "infinity": script("return {double = -1/0}"),
    "big number": script("return {big_number = '1234567890123456789012345678901234567890'}"),
    "verbatim": script("return {verbatim_string = {format = 'txt', string = 'some\\r\\ntext'}}"),
    "boolean": script("return {true, false}"),
    "mixture": script("return {{map = {k = {set = {a = true}}}}, {double = 1.5}, false, true, {{map = {}}}, 'end'}"),
}


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


class TestLosingAReply:
    def test_the_command_is_applied_once_and_the_client_loses_its_connection(
        self, proxy: FaultyProxy, server: RedisServer
    ) -> None:
        client = through(proxy, server)
        fault = proxy.drop_reply(1, match="INCRBY")

        with pytest.raises(redis.ConnectionError):
            client.incr("number")

        assert fault.happened.is_set()
        assert direct(server).get("number") == b"1"

    def test_only_that_reply_is_lost(self, proxy: FaultyProxy, server: RedisServer) -> None:
        client = through(proxy, server)
        sha = client.script_load("return redis.call('INCR', KEYS[1])")
        proxy.drop_reply(2, match="EVALSHA")

        answers = []
        for _ in range(4):
            try:
                answers.append(client.evalsha(sha, 1, "number"))
            except redis.ConnectionError:
                answers.append("lost")

        assert answers == [1, "lost", 3, 4]
        assert proxy.matched == 4

    def test_a_transaction_is_applied_though_its_reply_is_lost(self, proxy: FaultyProxy, server: RedisServer) -> None:
        pipeline = through(proxy, server).pipeline(transaction=True)
        pipeline.incr("a")
        pipeline.incr("b")
        proxy.drop_reply(1, match="EXEC")

        with pytest.raises(redis.ConnectionError):
            pipeline.execute()

        assert direct(server).mget("a", "b") == [b"1", b"1"]

    def test_a_blocking_command_loses_its_reply_when_it_comes(self, proxy: FaultyProxy, server: RedisServer) -> None:
        client = through(proxy, server)
        fault = proxy.drop_reply(1, match="BLPOP")
        direct(server).rpush("list", "first")
        with pytest.raises(redis.ConnectionError):
            client.blpop(["list"], timeout=LIMIT_S)

        assert fault.happened.is_set()
        assert direct(server).llen("list") == 0

    def test_the_command_is_chosen_by_what_it_says(self, proxy: FaultyProxy, server: RedisServer) -> None:
        client = through(proxy, server)
        proxy.drop_reply(2, match=lambda command: command.args[:1] == (b"b",))

        client.set("b", 1)
        client.set("a", 2)
        with pytest.raises(redis.ConnectionError):
            client.get("b")

    def test_commands_are_counted_over_all_connections(self, proxy: FaultyProxy, server: RedisServer) -> None:
        fault = proxy.drop_reply(5, match="INCRBY")
        lost: list[redis.ConnectionError] = []

        def count() -> None:
            client = through(proxy, server)
            for _ in range(5):
                try:
                    client.incr("number")
                except redis.ConnectionError as error:
                    lost.append(error)

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT_S)

        assert len(lost) == 1
        assert fault.matched == 20
        assert direct(server).get("number") == b"20"

    def test_faults_count_from_when_they_are_ordered_and_each_strikes_once(
        self, proxy: FaultyProxy, server: RedisServer
    ) -> None:
        client = through(proxy, server)
        client.incr("number")
        lost = proxy.drop_reply(1, match="INCRBY")
        refused = proxy.refuse(2, match="INCRBY")

        for fault in (lost, refused):
            with pytest.raises(redis.ConnectionError):
                client.incr("number")
            assert fault.happened.is_set()

        assert client.incr("number") == 3


class TestRefusing:
    def test_the_command_never_reaches_the_server(self, proxy: FaultyProxy, server: RedisServer) -> None:
        client = through(proxy, server)
        fault = proxy.refuse(1, match="INCRBY")

        with pytest.raises(redis.ConnectionError):
            client.incr("number")

        assert fault.happened.is_set()
        assert direct(server).get("number") is None
        assert client.incr("number") == 1

    def test_what_was_sent_before_is_answered_and_what_was_sent_behind_is_not_applied(
        self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire]
    ) -> None:
        proxied = wire(proxy.port, 2)
        proxy.refuse(3, match="INCR")
        big = packed("SET", "behind", b"x" * (8 << 20))

        proxied.send(packed("INCR", "n"), REPLIES["8 MB"], packed("INCR", "n"), packed("INCR", "n"), big)

        assert re.fullmatch(rb":1\r\n\$8388608\r\nx{8388608}\r\n:2\r\n", proxied.rest())
        assert direct(server).mget("n", "behind") == [b"2", None]

    def test_a_subscription_can_be_refused(
        self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire]
    ) -> None:
        subscriber = wire(proxy.port, 3)
        proxy.refuse(1, match="SUBSCRIBE")

        subscriber.send(packed("SUBSCRIBE", "news"))

        assert subscriber.rest() == b""
        assert direct(server).pubsub_numsub("news") == [(b"news", 0)]


class TestPushes:
    @pytest.mark.parametrize("protocol", [2, 3])
    @pytest.mark.parametrize("lost", ["PING", "UNSUBSCRIBE-then-ECHO"])
    def test_pushes_are_passed_and_not_taken_for_replies(
        self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire], protocol: int, lost: str
    ) -> None:
        proxied = wire(proxy.port, protocol)
        proxied.send(packed("SUBSCRIBE", "a", "b"), packed("PSUBSCRIBE", "c*"))
        proxied.until(b":3\r\n")
        fault = proxy.drop_reply(1, match=lambda command: command.name in {"PING", "ECHO"})

        direct(server).publish("a", "first")
        direct(server).publish("cd", "second")
        proxied.until(b"second\r\n")
        if lost == "PING":
            proxied.send(packed("PING"))
        else:
            proxied.send(packed("UNSUBSCRIBE"), packed("PUNSUBSCRIBE"), packed("ECHO", "never seen"))

        received = proxied.rest()
        assert fault.happened.is_set()
        assert received.count(b"unsubscribe") == (0 if lost == "PING" else 3)
        assert b"PONG" not in received.upper()
        assert b"never seen" not in received

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_a_subscription_is_not_counted_among_replies_to_lose(
        self, proxy: FaultyProxy, wire: Callable[..., Wire], protocol: int
    ) -> None:
        subscriber = wire(proxy.port, protocol)
        proxy.drop_reply(1)

        subscriber.send(packed("SUBSCRIBE", "news"))

        subscriber.until(b"$4\r\nnews\r\n:1\r\n")
        assert proxy.matched == 0

    def test_monitor_passes(self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire]) -> None:
        watcher = wire(proxy.port, 2)
        watcher.send(packed("MONITOR"))
        watcher.until(b"+OK\r\n")

        through(proxy, server).set("seen", "by the monitor")

        assert b'"SET" "seen"' in watcher.until(b'"by the monitor"\r\n')


class TestSeeing:
    def test_commands_are_recorded_without_what_clients_say_by_themselves(
        self, proxy: FaultyProxy, server: RedisServer
    ) -> None:
        client = through(proxy, server, db=3, client_name="me")

        client.set("key", b"\xff\x00")
        client.get("key")

        assert proxy.commands == [Command("SET", (b"key", b"\xff\x00")), Command("GET", (b"key",))]

    @pytest.mark.parametrize("protocol", [2, 3])
    def test_the_handshake_is_never_lost(self, proxy: FaultyProxy, server: RedisServer, protocol: int) -> None:
        proxy.drop_reply(1)
        client = through(proxy, server, db=3, client_name="me", protocol=protocol)

        with pytest.raises(redis.ConnectionError):
            client.incr("number")

        assert [command.name for command in proxy.commands] == ["INCRBY"]
        assert client.get("number") == b"1"

    def test_big_values_pass_both_ways(self, proxy: FaultyProxy, server: RedisServer) -> None:
        client, value = through(proxy, server), bytes(range(256)) * (1 << 15)

        client.set("big", value)

        assert client.get("big") == value

    def test_a_pipeline_keeps_its_order(self, proxy: FaultyProxy, server: RedisServer) -> None:
        pipeline = through(proxy, server).pipeline(transaction=False)
        for number in range(2000):
            pipeline.echo(str(number))

        assert pipeline.execute() == [b"%d" % number for number in range(2000)]
        assert len(proxy.commands) == 2000

    @pytest.mark.parametrize(
        ("upstream", "path"),
        [
            ("redis://:secret@127.0.0.1:1/2", "redis://:secret@127.0.0.1:{}/2"),
            ("redis://me:p%40ss@localhost:1/0?protocol=3", "redis://me:p%40ss@127.0.0.1:{}/0?protocol=3"),
            ("redis://localhost:6379/0", "redis://127.0.0.1:{}/0"),
        ],
    )
    def test_the_address_changes_and_the_rest_of_the_url_stays(
        self, proxy: FaultyProxy, upstream: str, path: str
    ) -> None:
        assert proxy.url(upstream) == path.format(proxy.port)


class TestEnding:
    def test_close_ends_connections_port_and_thread(self, server: RedisServer) -> None:
        proxy = FaultyProxy("127.0.0.1", server.port)
        idle = through(proxy, server)
        assert idle.ping()

        proxy.close()
        proxy.close()

        with pytest.raises(redis.ConnectionError):
            idle.ping()
        assert "faulty-proxy" not in {thread.name for thread in threading.enumerate()}

    def test_close_ends_a_command_that_waits_for_its_reply(
        self, proxy: FaultyProxy, server: RedisServer, wire: Callable[..., Wire]
    ) -> None:
        waiting = wire(proxy.port, 2)
        waiting.send(packed("ECHO", "now it waits"), packed("BLPOP", "nothing", "0"))
        waiting.until(b"now it waits\r\n")

        proxy.close()

        with contextlib.suppress(ConnectionResetError):
            assert waiting.rest() == b""

    def test_close_does_not_wait_for_a_server_that_reads_nothing(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            proxy = FaultyProxy("127.0.0.1", deaf.getsockname()[1])
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=LIMIT_S) as client:
                client.sendall(packed("SET", "key", b"x" * (32 << 20)))

            proxy.close()

        assert [command.name for command in proxy.commands] in ([], ["SET"])

    def test_a_server_that_is_down_looks_down(self, server: RedisServer) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with FaultyProxy("127.0.0.1", port) as proxy, pytest.raises(redis.ConnectionError):
            through(proxy, server).ping()

    def test_a_server_that_is_killed_takes_its_connections_along_and_is_found_again(self) -> None:
        need_redis_server()
        with RedisServer() as own, FaultyProxy("127.0.0.1", own.port) as proxy:
            client = through(proxy, own)
            assert client.ping()

            own.kill()
            with pytest.raises(redis.ConnectionError):
                client.ping()
            own.restart()

            assert client.ping()

    def test_a_mistake_of_the_test_comes_out_of_close(self, server: RedisServer) -> None:
        proxy = FaultyProxy("127.0.0.1", server.port)
        proxy.drop_reply(1, match=lambda command: command.args[5] == b"no such argument")
        with pytest.raises(redis.ConnectionError):
            through(proxy, server).ping()

        with pytest.raises(ExceptionGroup) as caught:
            proxy.close()

        assert caught.group_contains(IndexError)

    def test_what_is_no_command_comes_out_of_close(self, server: RedisServer) -> None:
        proxy = FaultyProxy("127.0.0.1", server.port)
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=LIMIT_S) as client:
            client.sendall(b"PING\r\n")
            assert client.recv(1) == b""

        with pytest.raises(ExceptionGroup) as caught:
            proxy.close()

        assert caught.group_contains(ValueError, match="send arrays of bulk strings")


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
