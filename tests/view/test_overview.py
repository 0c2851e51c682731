"""What people are told of all that there is, in numbers."""

from __future__ import annotations

from typing import Literal

from handoff.client.cluster import Cluster
from handoff.graph.dag import DAG
from handoff.ledger.nodes import NodeState
from handoff.ledger.result_entry import encode_traceback
from handoff.view.overview import Oldest, Overview, read_overview, read_waiting
from handoff.why.use import Use
from handoff.words.constraints import Not
from handoff.words.function import Function
from handoff.words.variants import After
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.ledger import NodeLedger
from support.status import idle_agent, start


class TestOverview:
    def test_an_empty_namespace_has_nothing(self, cluster: Cluster) -> None:
        nothing: dict[NodeState, int] = {"up": 0, "quiet": 0, "over": 0, "draining": 0, "cordoned": 0, "lost": 0}

        assert read_overview(cluster.store) == Overview(0, 0, 0, 0, 0, 0, 0, 0, 0, None, [], nothing, [], {})

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
            ({"cpu": 64}, None, 1),
            ({"cpu": 2}, None, 3),
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


class TestWhatCouldNeverStart:
    def test_what_no_node_could_hold_is_counted_and_comes_first(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2})
        for _ in range(4):
            cluster.enqueue("tasks:f", cost={"cpu": 2})
        hopeless = [cluster.enqueue("tasks:f", cost={"cpu": 3}) for _ in range(2)]

        found = read_overview(cluster.store)

        assert found.infeasible == 2
        assert [(str(shape), shape.infeasible, shape.count) for shape in found.shapes] == [
            ("cpu 3", True, 2),
            ("cpu 2", False, 3),
        ]
        assert found.shapes[0].first == hopeless[0].id

    def test_one_of_whose_costs_a_node_could_hold_another_is_not_among_them(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2})
        cluster.enqueue("tasks:f", cost={"cpu": 2})
        cluster.enqueue("tasks:f", cost=[{"gpu": 1}, {"cpu": 1}])

        assert read_overview(cluster.store).infeasible == 0

    def test_one_of_whose_costs_no_node_could_hold_any_counts_once(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 2})
        cluster.enqueue("tasks:f", cost=[{"gpu": 1}, {"cpu": 8}])

        found = read_overview(cluster.store)

        assert found.infeasible == 1
        assert [(str(shape), shape.second_choice) for shape in found.shapes] == [("cpu 8", True), ("gpu 1", False)]

    def test_it_is_none_any_more_when_a_node_comes_that_could_hold_it(self, cluster: Cluster) -> None:
        cluster.enqueue("tasks:f", cost={"cpu": 3})
        assert read_overview(cluster.store).infeasible == 1
        cluster.register_node("a", {"cpu": 4})
        cluster.tracker.request("a", {"cpu": 1})
        cluster.enqueue("tasks:f", cost={"cpu": 4})

        assert read_overview(cluster.store).infeasible == 0


class TestHowLongTheyWait:
    def test_the_oldest_is_found_behind_all_of_larger_priority(self, cluster: Cluster) -> None:
        cluster.store.now_ms = 1_800_000_000_000
        oldest = cluster.enqueue("tasks:f", cost={"cpu": 1}, priority=-5)
        cluster.store.now_ms += 60_000
        cluster.enqueue("tasks:f", cost={"cpu": 1}, priority=5)
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        cluster.store.now_ms += 30_000

        assert read_overview(cluster.store).oldest == Oldest(oldest.id, 90.0)

    def test_one_that_came_back_from_its_node_hides_nobody_behind_it_who_has_waited_longer(
        self, cluster: Cluster
    ) -> None:
        cluster.store.now_ms = 1_800_000_000_000
        cluster.register_node("a", {"cpu": 1})
        returned = cluster.enqueue("tasks:f", cost={"cpu": 1})
        oldest = cluster.enqueue("tasks:f", cost={"cpu": 1})
        cluster.store.now_ms += 60_000
        cluster.drain("a")
        cluster.store.now_ms += 30_000

        found = read_overview(cluster.store)

        assert [shape.first for shape in found.shapes] == [returned.id]
        assert found.oldest == Oldest(oldest.id, 90.0)

    def test_of_those_that_came_at_the_same_moment_the_oldest_is_who_goes_first(self, cluster: Cluster) -> None:
        cluster.store.now_ms = 1_800_000_000_000
        cluster.register_node("a", {"cpu": 4})
        cluster.tracker.request("a", {"cpu": 4})
        cluster.enqueue("tasks:f", cost={"cpu": 1}, job_id="first")
        cluster.enqueue("tasks:f", cost={"cpu": 2}, job_id="second")

        cluster.store.now_ms += 30_000

        assert read_overview(cluster.store).oldest == Oldest("first", 30.0)

    def test_nobody_has_waited_longer_than_the_oldest(self, cluster: Cluster) -> None:
        cluster.store.now_ms = 1_800_000_000_000
        cluster.register_node("a", {"cpu": 40})
        for _ in range(40):
            cluster.enqueue("tasks:f", cost={"cpu": 1})
        oldest = cluster.enqueue("tasks:f", cost={"cpu": 2})
        cluster.store.now_ms += 60_000
        cluster.drain("a")

        assert read_overview(cluster.store).oldest == Oldest(oldest.id, 60.0)

    def test_of_each_shape_it_is_told_how_long_the_first_has_waited(self, cluster: Cluster) -> None:
        cluster.store.now_ms = 1_800_000_000_000
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        cluster.store.now_ms += 60_000
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        cluster.enqueue("tasks:f", cost={"gpu": 1})

        assert {str(shape): shape.waited_s for shape in read_waiting(cluster.store)} == {"cpu 1": 60.0, "gpu 1": 0.0}


class TestWhatHasEnded:
    def test_what_has_ended_is_counted_wherever_it_ran_also_where_the_node_is_gone(self, cluster: Cluster) -> None:
        agent = idle_agent(cluster)
        ends: list[tuple[Literal["finished", "failed"], tuple[str, str]]] = [
            ("finished", ("", "")), ("failed", ("E", "no")), ("failed", ("E", "no"))
        ]  # fmt: skip
        for number, (kind, error) in enumerate(ends):
            cluster.enqueue("tasks:f", max_retries=0)
            (id,) = [started.id for started in agent.exchange(2 * number + 1, 1, ()).started]
            agent.exchange(
                2 * number + 2, 0, [Result(id, kind, encode_traceback("x") if kind == "failed" else "", *error)]
            )
        cluster.enqueue("tasks:f", cost={"cpu": 64}).cancel()
        cluster.deregister_node("a")

        found = read_overview(cluster.store)

        assert (found.finished, found.failed, found.canceled) == (1, 2, 1)

    def test_what_waits_for_others_of_its_run_is_counted_as_deferred(self, cluster: Cluster) -> None:
        dag = DAG().add(Function("one", "tasks:f")).add(Function("two", "tasks:f", args=["one"]))
        cluster.submit_dag(dag)

        found = read_overview(cluster.store)

        assert (found.waiting, found.deferred) == (1, 1)
