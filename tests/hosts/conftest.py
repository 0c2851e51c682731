"""What tests with several hosts share: one with Redis, some with agents, and one from which functions are submitted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff import Cluster
from handoff.local.server import RedisServer
from model.replay import replay
from support import need_redis_server
from support.agent_processes import Agents
from support.books import assert_nothing_held, check_books
from support.gate import Gate
from support.hosts.network import Network, need_namespaces
from support.hosts.servers import NAMESPACE, server_on, url_at, url_from_others


@pytest.fixture
def network() -> Iterator[Network]:
    need_redis_server()
    need_namespaces()
    with Network("redis", "client", "a", "b", "c") as network:
        yield network


@pytest.fixture
def server(network: Network, tmp_path: Path) -> Iterator[RedisServer]:
    with server_on(network["redis"], tmp_path) as server:
        yield server


@pytest.fixture
def url(network: Network, server: RedisServer) -> str:
    """The address of Redis for all hosts, with the rights of workers/README.md."""
    return url_from_others(server, network["redis"])


@pytest.fixture
def cluster(server: RedisServer) -> Iterator[Cluster]:
    """Looks at Redis past all wires; afterwards the books must balance, and each event be one that the rules allow."""
    with Cluster(url_at(server), namespace=NAMESPACE) as cluster:
        yield cluster
        replay(cluster.events())
        check_books(cluster.store)
        assert_nothing_held(cluster.store)


@pytest.fixture
def agents(cluster: Cluster, url: str, tmp_path: Path) -> Iterator[Agents]:
    with Agents(cluster, url, tmp_path) as agents:
        yield agents


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    (tmp_path / "gate").mkdir()
    gate = Gate(tmp_path / "gate", "a", "b", "c")
    yield gate
    gate.close()
