"""What all tests of RQ's tools share: an agent, played by hand, and a connection as users of RQ have one."""

from __future__ import annotations

import pytest
import redis

from handoff.client.cluster import Cluster
from support.agent import FakeAgent
from support.submits import NOW_MS


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = NOW_MS
    # RQ forgets a worker by the clock of the server, three leases after its last beat.
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=60_000).register()


@pytest.fixture
def theirs(cluster: Cluster) -> redis.Redis:
    """A connection as users of rq have one: some of its classes change the pool that they are given."""
    pool = cluster.connection.connection_pool
    return redis.Redis(
        connection_pool=redis.ConnectionPool(connection_class=pool.connection_class, **pool.connection_kwargs)
    )
