"""What a node that is held for a function refuses to others, and when the hold ends with the node."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import ResourcesUnavailable
from support.agent import FakeAgent
from support.submits import later, submit

NOW_MS = 1_900_000_000_000


@pytest.fixture
def held(cluster: Cluster) -> FakeAgent:
    """A node with one cpu of two free, held for a function that waits for both."""
    cluster.store.now_ms = NOW_MS
    cluster.limit_overtaking(count=None, seconds=60)
    agent = FakeAgent(cluster.store, "a", {"cpu": 2}).register()
    submit(cluster, "runs", cost={"cpu": 1})
    submit(cluster, "waits", cost={"cpu": 2})
    later(cluster, 60)
    assert is_held(cluster)
    return agent


def is_held(cluster: Cluster) -> bool:
    return cluster.connection.hexists(f"{cluster.store.keys('node')}a", "hold")


def test_a_claim_does_not_fit_into_what_is_held_though_it_is_free(cluster: Cluster, held: FakeAgent) -> None:
    assert cluster.tracker.available("a")["cpu"] == 1

    assert not cluster.resources_available("a", {"cpu": 1})
    with pytest.raises(ResourcesUnavailable):
        cluster.tracker.request("a", {"cpu": 1})


def test_a_node_that_falls_quiet_is_held_no_longer(cluster: Cluster, held: FakeAgent) -> None:
    held.quiet()

    assert not is_held(cluster)
