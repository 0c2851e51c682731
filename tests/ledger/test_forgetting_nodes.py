"""A node that was lost is known for an hour, so that its agent may come back to it; then nothing of it is left."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import read_nodes
from support.agent import FakeAgent
from support.ledger import read_ledger
from support.passing import pass_ms

START_MS = 1_900_000_000_000
LEASE_MS = 6000
HOUR_MS = 3_600_000

MANY = 100
"""More than one call gives back."""


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": MANY}, labels={"zone": "north"}, lease_ms=LEASE_MS).register()


def known(cluster: Cluster) -> list[str]:
    return [node.name for node in read_nodes(cluster.store)]


def kept_of_nodes(cluster: Cluster) -> dict[str, Any]:
    """What is kept of nodes and of their workers."""
    ledger = read_ledger(cluster.store)
    kinds = ("nodes", "node", "leases", "lost", "labels", "label", "planes", "plane", "live", "class", "classes")
    own = {key: value for key, value in ledger.own.items() if key.partition(":")[0] in kinds}
    workers = {key: value for key, value in ledger.rq.items() if key.partition(":")[0] in ("worker", "workers")}
    return own | {key: value for key, value in workers.items() if value}


def planes_of_resources(kept: dict[str, Any]) -> set[str]:
    """All but those of what a node has to spare, which every node has."""
    return {key for key in kept if key.startswith("plane:") and "*spare" not in key}


def lose(cluster: Cluster) -> None:
    pass_ms(cluster.store, LEASE_MS)
    tick(cluster.store)


def test_a_lost_node_is_known_for_an_hour(cluster: Cluster, agent: FakeAgent) -> None:
    lose(cluster)

    pass_ms(cluster.store, HOUR_MS - 1)
    tick(cluster.store)

    assert known(cluster) == ["a"]
    assert not read_nodes(cluster.store)[0].live


def test_a_node_that_was_lost_an_hour_ago_is_forgotten(cluster: Cluster, agent: FakeAgent) -> None:
    before = kept_of_nodes(cluster)
    lose(cluster)

    pass_ms(cluster.store, HOUR_MS)
    tick(cluster.store)

    assert before
    assert known(cluster) == []
    assert kept_of_nodes(cluster) == {}


def test_a_node_that_came_back_in_time_is_not_forgotten(cluster: Cluster, agent: FakeAgent) -> None:
    lose(cluster)
    agent.lease_ms = 2 * HOUR_MS
    agent.register()

    pass_ms(cluster.store, HOUR_MS)
    tick(cluster.store)

    assert known(cluster) == ["a"]
    assert read_nodes(cluster.store)[0].live


def test_who_comes_back_after_an_hour_is_a_node_like_any_new_one(cluster: Cluster, agent: FakeAgent) -> None:
    lose(cluster)
    pass_ms(cluster.store, HOUR_MS)
    tick(cluster.store)

    agent.register()
    handle = cluster.enqueue("tasks:work", cost={"cpu": MANY}, where={"zone": "north"})

    assert [started.job_id for started in agent.take()] == [handle.id]


def test_a_lost_node_is_not_forgotten_before_all_that_it_held_is_given_back(cluster: Cluster, agent: FakeAgent) -> None:
    handles = [cluster.enqueue("tasks:work", cost={"cpu": 1}) for _ in range(MANY)]
    other = FakeAgent(cluster.store, "b", {"cpu": MANY}, lease_ms=2 * HOUR_MS).register()
    pass_ms(cluster.store, LEASE_MS)
    other.beat()
    pass_ms(cluster.store, HOUR_MS)

    tick(cluster.store)
    tick(cluster.store)

    assert known(cluster) == ["b"]
    assert {handle.node for handle in handles} == {"b"}
    assert len(other.take(MANY)) == MANY


def test_bit_planes_in_which_no_node_has_a_bit_go_with_the_last_that_had_one(cluster: Cluster) -> None:
    """Also while another node stays: resources by any name would pile up."""
    cluster.register_node("stays", {"cpu": 3}, labels={"zone": "north"})
    before = kept_of_nodes(cluster)
    for i in range(3):
        cluster.register_node("goes", {"cpu": 1000, "fpga": [0, 1], f"license{i}": 7}, labels={"zone": "south"})
        claim = cluster.tracker.request("goes", {f"license{i}": 3})
        cluster.tracker.release(claim)
        cluster.deregister_node("goes")

    kept = kept_of_nodes(cluster)

    assert planes_of_resources(kept) == planes_of_resources(before)
    assert kept["planes"].keys() == before["planes"].keys()
    assert cluster.resources_available("stays", {"cpu": 3})
    assert not cluster.resources_available("stays", {"cpu": 3.5})
