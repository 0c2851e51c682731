"""What people are told of nodes."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from handoff.ledger.nodes import NodeState, read_nodes
from handoff.why.use import Use, use_of
from handoff.words.capabilities import parse_capabilities
from handoff_worker.agent.ledger import NodeLedger


def states(cluster: Cluster) -> dict[str, NodeState]:
    return {node.name: node.state for node in read_nodes(cluster.store)}


class TestNodes:
    def test_a_node_with_a_lease_is_up(self, cluster: Cluster, agent: NodeLedger) -> None:
        assert states(cluster) == {"a": "up"}

    def test_a_node_that_was_told_to_take_no_more_is_quiet(self, cluster: Cluster, agent: NodeLedger) -> None:
        agent.quiet("")

        assert states(cluster) == {"a": "quiet"}

    def test_a_node_whose_lease_is_over_is_lost(self, cluster: Cluster, agent: NodeLedger) -> None:
        agent.register(parse_capabilities({"cpu": 2}), 1)
        seconds, microseconds = cluster.store.read("TIME")
        cluster.store.now_ms = int(seconds) * 1000 + int(microseconds) // 1000 + 10

        assert states(cluster) == {"a": "lost"}

    def test_a_node_on_which_more_is_held_than_it_has_is_over(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        reservation = cluster.tracker.request("a", {"cpu": 3})
        cluster.register_node("a", {"cpu": 2})

        assert states(cluster) == {"a": "over"}
        assert use_of(read_nodes(cluster.store)[0]) == {"cpu": Use(3, 2, None)}
        cluster.tracker.release(reservation)
        assert states(cluster) == {"a": "up"}

    def test_a_node_that_is_drained_is_draining_until_it_is_undrained(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})

        cluster.drain("a")
        assert states(cluster) == {"a": "draining"}

        cluster.undrain("a")
        assert states(cluster) == {"a": "up"}

    def test_the_use_of_memory_is_told_by_device_with_what_each_has(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"gpu": [0, 3]}, device_memory={"gpu": {0: 8000, 3: 24000}})
        cluster.tracker.request("a", {"gpu_memory": 6000})

        use = use_of(read_nodes(cluster.store)[0])

        assert use["gpu"] == Use(0, 2, {0: 0, 3: 0})
        assert use["gpu_memory"] == Use(6000, 32000, {0: 6000, 3: 0}, {0: 8000, 3: 24000})

    def test_the_use_of_devices_is_told_by_index(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "gpu": [0, 3]})
        cluster.tracker.request("a", {"cpu": 1, "gpu": 1})
        cluster.tracker.request("a", {"gpu": 0.25})

        use = use_of(read_nodes(cluster.store)[0])

        assert use == {"cpu": Use(1, 4, None), "gpu": Use(1.25, 2, {0: 1, 3: 0.25})}

    def test_what_is_held_of_a_resource_that_is_no_longer_listed_is_told(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "license": 1})
        cluster.tracker.request("a", {"license": 1})
        cluster.register_node("a", {"cpu": 4})

        assert use_of(read_nodes(cluster.store)[0]) == {"cpu": Use(0, 4, None), "license": Use(1, 0, None)}
