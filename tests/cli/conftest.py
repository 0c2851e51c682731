"""What tests of the command line share: a namespace to run commands on, and a node that really runs functions."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger import asking
from handoff.local.server import RedisServer
from support.books import check_books
from support.command_line import Run, handoff
from support.local import local_cluster
from support.private_servers import client


@pytest.fixture
def closed_url() -> Iterator[str]:
    """The address of a port that nobody listens on."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"redis://127.0.0.1:{taken.getsockname()[1]}/0"


@pytest.fixture
def quick_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "GIVE_UP_AFTER_S", 0.0)


@pytest.fixture
def cluster(server: RedisServer) -> Iterator[Cluster]:
    """A namespace of its own on a real server: a command line opens its own connection."""
    with Cluster(server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        cluster.connection.flushdb()
        yield cluster
        check_books(cluster.store)


@pytest.fixture
def no_libraries(server: RedisServer) -> None:
    """Forget what other tests have called; it is brought again."""
    client(server).function_flush()


@pytest.fixture
def run(server: RedisServer, cluster: Cluster) -> Run:
    """Run a command on the namespace of the test."""
    return lambda *arguments: handoff("--url", server.url, "--namespace", cluster.namespace, *arguments)


@pytest.fixture(scope="module")
def live(server: RedisServer) -> Iterator[tuple[Cluster, str]]:
    """A cluster with one node that really runs functions, and its address with the password."""
    local = local_cluster({"a": {"cpu": 1, "gpu": 2}})
    with local as cluster:
        yield cluster, local.server.url


@pytest.fixture
def run_live(live: tuple[Cluster, str]) -> Run:
    return lambda *arguments: handoff("--url", live[1], "run", *arguments)
