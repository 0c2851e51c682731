"""What people are told of nodes."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import NodeState, read_nodes
from handoff.why.node_state import lease_in_words
from handoff.why.use import Use, devices_in_words, use_of
from handoff.words.capabilities import parse_capabilities
from handoff_worker.agent.ledger import NodeLedger
from support.passing import pass_ms


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

        assert use["gpu"] == Use(0, 2, {0: 0, 3: 0}, None, {0: 0, 3: 1})
        assert use["gpu_memory"] == Use(6000, 32000, {0: 6000, 3: 0}, {0: 8000, 3: 24000}, {0: 2000, 3: 24000})

    def test_the_use_of_devices_is_told_by_index(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "gpu": [0, 3]})
        cluster.tracker.request("a", {"cpu": 1, "gpu": 1})
        cluster.tracker.request("a", {"gpu": 0.25})

        use = use_of(read_nodes(cluster.store)[0])

        assert use == {"cpu": Use(1, 4, None), "gpu": Use(1.25, 2, {0: 1, 3: 0.25}, None, {0: 0, 3: 0.75})}

    def test_devices_of_which_alike_is_left_are_told_together(self) -> None:
        left = {0: 0, 1: 0.5, 2: 1, 3: 1, 4: 1, 6: 1, 9: 0, 10: 0}

        told = devices_in_words(Use(3.5, 8, {index: 1 - free for index, free in left.items()}, None, left))

        assert told == "devices 0 9 10: taken, device 1: 0.5 of 1 free, devices 2-4 6: free"

    def test_since_when_a_node_is_lost_is_told_until_it_is_back(self, cluster: Cluster, agent: NodeLedger) -> None:
        cluster.store.now_ms = 1_900_000_000_000
        agent.register(parse_capabilities({"cpu": 2}), 1000)
        pass_ms(cluster.store, 2000)
        tick(cluster.store)
        (lost,) = read_nodes(cluster.store)

        assert lost.lost_since == cluster.store.now_ms
        assert lease_in_words(lost, cluster.store.now_ms + 300_000) == "lost 5 min ago"

        agent.register(parse_capabilities({"cpu": 2}), 60_000)
        (back,) = read_nodes(cluster.store)

        assert (back.lost_since, lease_in_words(back, 0)) == (None, "lease 60 s")

    def test_what_is_held_of_a_resource_that_is_no_longer_listed_is_told(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4, "license": 1})
        cluster.tracker.request("a", {"license": 1})
        cluster.register_node("a", {"cpu": 4})

        assert use_of(read_nodes(cluster.store)[0]) == {"cpu": Use(0, 4, None), "license": Use(1, 0, None)}
