"""Who holds what of a node."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from handoff.view.held import read_held
from support.agent import FakeAgent


def test_functions_claims_and_other_programs_are_told_apart(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 4, "memory": 8000})
    agent.external = ({"memory": 3000}, {})
    agent.register()
    cluster.enqueue("tasks:work", cost={"cpu": 1})
    cluster.tracker.request("a", {"cpu": 1}, owner="ci")

    held = {holder.kind: (holder.said, holder.amounts) for holder in read_held(cluster.store, ["a"])["a"]}

    assert held["external"] == ("other programs", {"memory": 3000})
    assert held["claim"] == ("claim of ci", {"cpu": 1})
    assert held["function"][1] == {"cpu": 1}
