"""How full a node is, and which are looked at first."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from handoff.ledger.nodes import read_nodes
from handoff.view.fullness import fullness, part_of, urgency
from handoff.why.use import use_of


def test_a_node_is_as_full_as_the_fullest_of_what_it_has(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 4, "gpu": [0, 3]}, device_memory={"gpu": {0: 8000, 3: 24000}})

    full = []
    for cost in ({}, {"cpu": 1}, {"gpu_memory": 16000}, {"cpu": 3}):
        if cost:
            cluster.tracker.request("a", cost)
        (node,) = read_nodes(cluster.store)
        assert fullness(node) == max(map(part_of, use_of(node).values()))
        full.append(fullness(node))

    assert full == [0, 0.25, 0.5, 1]


def test_a_node_that_has_less_than_is_held_of_it_is_more_than_full(cluster: Cluster) -> None:
    cluster.register_node("a", {"cpu": 4, "licence": 1})
    cluster.tracker.request("a", {"cpu": 3, "licence": 1})

    cluster.register_node("a", {"cpu": 2, "licence": 1})
    assert fullness(read_nodes(cluster.store)[0]) == 1.5

    cluster.register_node("a", {"cpu": 4})
    assert fullness(read_nodes(cluster.store)[0]) == 1


def test_what_is_not_up_is_looked_at_first_and_then_what_is_full() -> None:
    nodes = {"idle": ("up", 0.0), "full": ("up", 1.0), "lost": ("lost", 0.0), "busy": ("up", 0.5)}

    assert sorted(nodes, key=lambda name: urgency(*nodes[name])) == ["lost", "full", "busy", "idle"]
