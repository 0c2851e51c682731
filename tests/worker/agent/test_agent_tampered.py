"""Agents whose jobs somebody has altered in Redis so that they cannot be run: these fail, at once; all else goes on."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
from rq.suspension import resume, suspend

import agent_tasks
from handoff import Cluster, FunctionFailed, Handle
from handoff.local.server import RedisServer
from handoff.serializer import Serializer
from support.agent_processes import Agents
from support.waiting import LIMIT_S

BOMB = zlib.compress(b"\0" * 2**27, 9)


def call(name: object = "agent_tasks.echo", args: object = (1,), kwargs: object = None) -> bytes:
    return Serializer.dumps([name, None, args, {} if kwargs is None else kwargs])


def lying(code: int, *fields: object) -> bytes:
    packed: bytes = msgpack.packb(["agent_tasks.echo", None, [[msgpack.ExtType(code, b""), *fields]], {}])
    return packed


ALTERED: dict[str, dict[str, bytes]] = {
    "no function": {"data": call("agent_tasks.no_such_function")},
    "no module": {"data": call("no.such.module")},
    "broken": {"data": b"\xc1\xc1\xc1"},
    "deep": {"data": b"\x94\xb0agent_tasks.echo\xc0" + b"\x91" * 10_000 + b"\xc0\x80"},
    "of other types": {"data": call(5, "text", [1])},
    "half": {"data": call()[:-2]},
    "a bomb": {"data": BOMB},
    "a bomb elsewhere": {"data": call(5), "exc_info": BOMB, "meta": BOMB},
    "an array that lies": {"data": lying(14, "<f8", "d", 0, [2**40, 2**40], "C", b"")},
    "an array of a text": {"data": lying(14, "<f8", "d", 0, ["x" * 1000, 2**30], "C", b"")},
    "as many zeros": {"data": lying(15, "S", 2**40)},
    "a zone of a path": {"data": lying(6, 2020, 1, 1, 0, 0, 0, 0, 0, "../../../etc/passwd")},
    "a long name": {"data": call("a." * 2**19 + "b")},
    "long": {"data": b"x" * (65 * 2**20)},
    "long elsewhere": {"data": call("x" * 2**20), "surplus": b"x" * (65 * 2**20)},
    "of many fields": {"data": call(), **{f"f{i}": b"x" for i in range(20_000)}},
    "a graph of nothing": {"data": call(), "h_inputs": Serializer.dumps({"args": 5})},
    "forms of nothing": {"data": call(), "h_forms": Serializer.dumps([None])},
}


@pytest.fixture
def redis_server(own_server: RedisServer) -> RedisServer:
    return own_server


@pytest.fixture
def cluster(own_server: RedisServer) -> Iterator[Cluster]:
    """Without a look at the books, which asks for all fields."""
    with Cluster(own_server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        yield cluster


@pytest.fixture
def agents(cluster: Cluster, own_server: RedisServer, tmp_path: Path) -> Iterator[Agents]:
    with Agents(cluster, own_server.url, tmp_path) as agents:
        yield agents


def alter(cluster: Cluster, handle: Handle, fields: dict[str, bytes]) -> None:
    client: Any = cluster.connection
    client.hset(cluster.store.keys("rq_job", handle.id), mapping=fields)


def refusal(handle: Handle) -> FunctionFailed:
    with pytest.raises(FunctionFailed) as caught:
        handle.result(LIMIT_S)
    return caught.value


def test_an_agent_outlives_any_call_and_tries_none_of_them_twice(agents: Agents, cluster: Cluster) -> None:
    agent = agents.start("a", "--slots", "4")
    suspend(cluster.connection)
    handles = {name: cluster.enqueue(agent_tasks.echo, 1, max_retries=3, node="a") for name in ALTERED}
    for name, handle in handles.items():
        alter(cluster, handle, ALTERED[name])
    resume(cluster.connection)

    refused = {name: refusal(handle) for name, handle in handles.items()}

    assert {name: each.attempts for name, each in refused.items()} == dict.fromkeys(ALTERED, 1)
    assert not [name for name, each in refused.items() if "ChildDied" in each.exception_type]
    assert max(len(str(each)) for each in refused.values()) < 3_000
    assert "at most 64 MB together" in refused["long"].message
    assert "at most 64 MB when it is unpacked" in refused["a bomb"].message
    assert cluster.enqueue(agent_tasks.echo, 5).result(LIMIT_S) == 5
    assert agent.process.poll() is None
    assert max(each.memory_info().rss for each in agent.family()) < 2**28
