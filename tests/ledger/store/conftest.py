"""What tests of the connection to Redis share: servers to be stopped, and the store's own clock."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support.clients_time import set_time


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """A server that the test may kill; it keeps what it acknowledged."""
    with RedisServer(appendonly=True) as server:
        yield server


@pytest.fixture
def real(server: RedisServer) -> Iterator[Cluster]:
    with Cluster(server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        yield cluster


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The store's own clock: it stands still but for the pauses that the store makes; `meanwhile` runs in them."""
    clock = SimpleNamespace(now=0.0, pauses=[], meanwhile=lambda: None)

    def sleep(seconds: float) -> None:
        clock.pauses.append(seconds)
        clock.now += seconds
        clock.meanwhile()

    set_time(monkeypatch, lambda: clock.now, sleep)
    return clock
