"""What all tests share: both kinds of server, a namespace of one's own, and the check of the books after each test."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import Any

import fakeredis
import pytest
import redis
from hypothesis import HealthCheck, settings

from handoff.client.cluster import Cluster
from handoff.ledger.store import Store
from handoff.local.program import NoServer
from handoff.local.server import RedisServer
from support.books import check_books

# A busy machine is slow at any example, and finds no fewer faults for that.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def server() -> Iterator[RedisServer]:
    """One real Redis server for the whole run."""
    try:
        server = RedisServer().start()
    except NoServer as error:
        if os.environ.get("HANDOFF_REQUIRE_REDIS"):
            raise
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.fixture(params=["fake", "real"])
def connection(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A connection to fakeredis, then to a real server: the contract holds on both."""
    if request.param == "fake":
        yield fakeredis.FakeRedis(server=fakeredis.FakeServer())
        return
    server: RedisServer = request.getfixturevalue("server")
    with redis.Redis.from_url(server.url) as connection:
        yield connection


@pytest.fixture
def cluster(connection: redis.Redis) -> Iterator[Cluster]:
    """A cluster in a namespace of its own; afterwards its books must balance."""
    with Cluster(connection=connection, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        yield cluster
        check_books(cluster.store)
        _clear(cluster)


def _clear(cluster: Cluster) -> None:
    """Leave nothing of the namespace: what walks over all of rq's queues would take longer with every test."""
    client: Any = cluster.connection
    for key in client.scan_iter(match=f"*{cluster.namespace}*", count=1000):
        client.delete(key)
    queues = cluster.store.keys("rq_queues")
    for queue in client.smembers(queues):
        if cluster.namespace.encode() in queue:
            client.srem(queues, queue)


@pytest.fixture
def store(cluster: Cluster) -> Store:
    return cluster.store
