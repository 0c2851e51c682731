"""What all tests of agents share: nodes that a test starts and ends, and a gate where their functions stop."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff import Cluster
from handoff.local.server import RedisServer
from support import need_redis_server
from support.agent_processes import Agents
from support.books import assert_nothing_held, check_books
from support.clock import Clock
from support.gate import Gate


@pytest.fixture
def redis_server(server: RedisServer) -> RedisServer:
    """Where the nodes and their clients meet. Tests that stop it have one of their own."""
    return server


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server of the test's own, which keeps what it acknowledged when it is killed."""
    need_redis_server()
    with RedisServer(appendonly=True) as server:
        yield server


@pytest.fixture
def cluster(redis_server: RedisServer) -> Iterator[Cluster]:
    with Cluster(redis_server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        cluster.connection.flushdb()
        yield cluster
        check_books(cluster.store)
        assert_nothing_held(cluster.store)


@pytest.fixture
def agents(cluster: Cluster, redis_server: RedisServer, tmp_path: Path) -> Iterator[Agents]:
    with Agents(cluster, redis_server.url, tmp_path) as agents:
        yield agents
        check_books(cluster.store)
        assert_nothing_held(cluster.store)


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[Clock]:
    (tmp_path / "clock").mkdir()
    clock = Clock(tmp_path / "clock")
    yield clock
    clock.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    (tmp_path / "gate").mkdir()
    gate = Gate(tmp_path / "gate", "a", "b", "c")
    yield gate
    gate.close()
