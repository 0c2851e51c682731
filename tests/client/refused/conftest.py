"""What all tests of wrong calls share: an empty server, and a cluster with something in every part of the books."""

from __future__ import annotations

import pytest
import redis

from handoff.client.cluster import Cluster
from support.refused import work


@pytest.fixture(autouse=True)
def _empty(connection: redis.Redis) -> None:
    connection.flushdb()


@pytest.fixture
def busy(cluster: Cluster) -> Cluster:
    """A cluster with something in every part of the books."""
    cluster.register_node("a", {"cpu": 4, "gpu": 2, "slots": 3})
    cluster.tracker.request("a", {"cpu": 1, "gpu": 0.5})
    cluster.enqueue(work, job_id="queued")
    cluster.enqueue(work, job_id="waiting", cost={"cpu": 4})
    return cluster
