"""The doctor's rounds during a campaign."""

from __future__ import annotations

from campaign.rounds import Rounds
from handoff.client.cluster import Cluster
from support.agent import FakeAgent
from support.waiting import wait_until


def test_what_comes_to_be_wrong_between_two_rounds_is_found(cluster: Cluster) -> None:
    node = cluster.store.keys("node", "a")
    FakeAgent(cluster.store, "a", {"cpu": 4}).register()
    rounds = Rounds(cluster.store, every_s=0.01)
    try:
        wait_until(lambda: rounds.count > 1, "two rounds")
        assert rounds.take() == []

        cluster.connection.hset(node, "used:cpu", 10_000)
        rounds_before = rounds.count
        wait_until(lambda: rounds.count > rounds_before + 1, "a round that began afterwards")
        assert any("node a" in found and "cpu" in found for found in rounds.take())
    finally:
        rounds.stop()
        cluster.connection.hset(node, "used:cpu", 0)
