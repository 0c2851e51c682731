"""What people are told of all that there is, in numbers."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from handoff.ledger.nodes import NodeState
from handoff.ledger.result_entry import encode_traceback
from handoff.why.overview import Overview, read_overview, read_waiting
from handoff.why.use import Use
from handoff.words.constraints import Not
from handoff.words.variants import After
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.ledger import NodeLedger
from support.status import start


class TestOverview:
    def test_an_empty_namespace_has_nothing(self, cluster: Cluster) -> None:
        nothing: dict[NodeState, int] = {"up": 0, "quiet": 0, "over": 0, "draining": 0, "cordoned": 0, "lost": 0}

        assert read_overview(cluster.store) == Overview(0, 0, 0, 0, [], nothing, [], {})

    def test_every_function_is_counted_in_its_state(self, cluster: Cluster, agent: NodeLedger) -> None:
        cluster.enqueue("tasks:f", cost={"cpu": 1}, max_retries=1)
        (failing,) = start(agent)
        agent.exchange(2, 0, [Result(failing, "failed", encode_traceback("no"), "E", "no", retryable=True)])
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        agent.exchange(3, 1, ())
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        for _ in range(3):
            cluster.enqueue("tasks:f", cost={"cpu": 2})
        cluster.enqueue("tasks:f", cost={"cpu": 64})

        found = read_overview(cluster.store)

        assert (found.delayed, found.started, found.queued, found.waiting) == (1, 1, 1, 4)
        assert found.nodes == {"up": 1, "quiet": 0, "over": 0, "draining": 0, "cordoned": 0, "lost": 0}
        assert [(dict(shape.cost), shape.node, shape.count) for shape in found.shapes] == [
            ({"cpu": 2}, None, 3),
            ({"cpu": 64}, None, 1),
        ]

    def test_shapes_are_said_in_words(self, cluster: Cluster) -> None:
        cluster.enqueue("tasks:f")
        cluster.enqueue("tasks:f", cost={"cpu": 0.5, "gpu": 1}, node="a@b")
        cluster.enqueue("tasks:f", where={"tier": Not(["spot", "test"]), "node": ["a", "b"]})

        assert sorted(map(str, read_waiting(cluster.store))) == [
            "a slot",
            "a slot where node a or b, any tier but spot or test",
            "cpu 0.5, gpu 1 on a@b",
        ]

    def test_one_that_would_take_any_of_several_costs_waits_with_each_shape_and_counts_once(
        self, cluster: Cluster
    ) -> None:
        cluster.enqueue("tasks:f", cost=[{"gpu": 1}, {"cpu": 8}, After(30, {"cpu": 1})])

        found = read_overview(cluster.store)

        assert found.waiting == 1
        assert [(str(shape), shape.count) for shape in found.shapes] == [("cpu 8", 1), ("gpu 1", 1)]

    def test_what_is_shared_is_told_with_its_use(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        cluster.share({"license": 5, "seat": 1})
        cluster.tracker.request("a", {"license": 2, "cpu": 1})

        assert read_overview(cluster.store).shared == {"license": Use(2, 5, None), "seat": Use(0, 1, None)}

    def test_drained_nodes_are_named(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        cluster.register_node("b", {"cpu": 4})
        cluster.drain("b")

        found = read_overview(cluster.store)

        assert (found.nodes["up"], found.nodes["draining"], found.draining) == (1, 1, ["b"])
