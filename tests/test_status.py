"""What people are told of nodes and functions; on both kinds of server, with an agent's part played by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rq.suspension import resume, suspend

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import UnknownFunction
from handoff.ledger.housekeeping import tick
from handoff.ledger.nodes import NodeState, read_nodes
from handoff.ledger.result_entry import encode_traceback, encode_value
from handoff.serializer import Serializer
from handoff.why.function_status import Variant, read_function
from handoff.why.overview import Overview, read_overview, read_waiting
from handoff.why.use import Use, use_of
from handoff.words.capabilities import parse_capabilities
from handoff.words.constraints import Not
from handoff.words.variants import After
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.machine.holder import Holder

LEASE_MS = 60_000


@pytest.fixture
def agent(cluster: Cluster) -> NodeLedger:
    """The agent of a node `a` that does nothing by itself."""
    agent = NodeLedger(cluster.store, "a", Holder("host", 4711, "1", "here"), "first")
    agent.register(parse_capabilities({"cpu": 2, "gpu": 2}), LEASE_MS)
    return agent


def start(agent: NodeLedger) -> list[str]:
    """Take what stands on the queue; the reservations of what was started."""
    return [started.id for started in agent.exchange(1, 10, ()).started]


def states(cluster: Cluster) -> dict[str, NodeState]:
    return {node.name: node.state for node in read_nodes(cluster.store)}


class TestNodes:
    def test_a_node_with_a_lease_is_up(self, cluster: Cluster, agent: NodeLedger) -> None:
        assert states(cluster) == {"a": "up"}

    def test_a_node_that_was_told_to_take_no_more_is_quiet(self, cluster: Cluster, agent: NodeLedger) -> None:
        agent.quiet(True)

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


class TestOverview:
    def test_an_empty_namespace_has_nothing(self, cluster: Cluster) -> None:
        nothing: dict[NodeState, int] = {"up": 0, "quiet": 0, "over": 0, "draining": 0, "lost": 0}

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
        assert found.nodes == {"up": 1, "quiet": 0, "over": 0, "draining": 0, "lost": 0}
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


Prepare = Callable[[Handle, NodeLedger], object]


def nothing(handle: Handle, agent: NodeLedger) -> None:
    """Leave it where the submit has put it."""


def fail(handle: Handle, agent: NodeLedger) -> None:
    (id,) = start(agent)
    body = encode_traceback("Traceback: ValueError: no")
    agent.exchange(2, 0, [Result(id, "failed", body, "ValueError", "no", retryable=True)])


def finish(handle: Handle, agent: NodeLedger) -> None:
    (id,) = start(agent)
    agent.exchange(2, 0, [Result(id, "finished", encode_value(Serializer.dumps("x" * 1000)))])


def cancel(handle: Handle, agent: NodeLedger) -> None:
    handle.cancel()


def cancel_while_it_runs(handle: Handle, agent: NodeLedger) -> None:
    start(agent)
    handle.cancel()


def lose_its_node(handle: Handle, agent: NodeLedger) -> None:
    start(agent)
    agent.leave()


class TestFunction:
    def test_what_rq_suspends_says_so(self, cluster: Cluster, agent: NodeLedger) -> None:
        handle = cluster.enqueue("tasks:f", cost={"cpu": 1})
        suspend(cluster.connection)

        try:
            assert start(agent) == []
            assert (
                "`rq suspend` keeps all agents from starting anything" in read_function(cluster.store, handle.id).reason
            )
        finally:
            resume(cluster.connection)
        assert read_function(cluster.store, handle.id).reason == "placed on a, and not yet started"

    def test_what_stands_on_a_node_without_an_agent_says_so(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})

        handle = cluster.enqueue("tasks:f", cost={"cpu": 1})

        assert read_function(cluster.store, handle.id).reason.endswith(
            "no agent runs node a, it was registered by hand"
        )

    @pytest.mark.parametrize(
        ("cost", "prepare", "status", "reason"),
        [
            ({"cpu": 1, "gpu": 0.5}, nothing, "queued", "placed on a, gpu 0, and not yet started"),
            ({"gpu": 2}, lambda _, agent: start(agent), "started", "runs on a, gpu 0 1"),
            ({"cpu": 1}, cancel_while_it_runs, "started", "runs on a, and is being canceled"),
            ({"cpu": 1}, finish, "finished", "finished on a"),
            ({"cpu": 1}, fail, "failed", "failed on a after 1 attempt with ValueError: no"),
            ({"cpu": 1}, cancel, "canceled", "canceled before it started"),
            ({"cpu": 1}, lose_its_node, "failed", "failed on a after 1 attempt, when node a was lost"),
            (
                {"cpu": 3},
                nothing,
                "waiting",
                "waits for cpu 3: no live node could hold it, even when idle (cpu 3 wanted, a has 2); "
                "would start now on a with cpu 2",
            ),
            ({"cpu": 3}, cancel, "canceled", "canceled before it started"),
        ],
    )
    def test_where_it_stands_is_said_in_a_sentence(
        self, cluster: Cluster, agent: NodeLedger, cost: dict[str, float], prepare: Prepare, status: str, reason: str
    ) -> None:
        handle = cluster.enqueue("tasks:f", cost=cost)
        prepare(handle, agent)

        found = read_function(cluster.store, handle.id)

        assert (found.status, found.reason) == (status, reason)
        assert found.cost == cost

    def test_of_what_waits_is_said_for_what_and_behind_how_many(self, cluster: Cluster, agent: NodeLedger) -> None:
        _, *waiting = (cluster.enqueue("tasks:f", cost={"cpu": 2}) for _ in range(3))
        pinned = cluster.enqueue("tasks:f", cost={"gpu": 1, "cpu": 1}, node="a")

        reasons = [read_function(cluster.store, handle.id).reason for handle in (*waiting, pinned)]

        assert [reason.partition(";")[0] for reason in reasons] == [
            "waits for cpu 2: a, the only live node that could hold it, is short of 2 cpu",
            "waits for cpu 2, with 1 of the same shape before it: "
            "a, the only live node that could hold it, is short of 2 cpu",
            "waits for cpu 1, gpu 1: node a is short of 1 cpu",
        ]
        assert read_function(cluster.store, pinned.id).pinned == "a"

    def test_of_several_costs_the_one_that_it_was_placed_with_is_told(
        self, cluster: Cluster, agent: NodeLedger
    ) -> None:
        handle = cluster.enqueue("tasks:f", cost=[{"gpu": 4}, {"cpu": 2}, After(30, {"cpu": 1})], where={"node": ["a"]})

        found = read_function(cluster.store, handle.id)

        assert (found.cost, found.variant, found.pinned, found.where) == ({"cpu": 2}, 1, "a", None)
        assert found.variants == [Variant({"gpu": 4}, 0), Variant({"cpu": 2}, 0), Variant({"cpu": 1}, 30)]

    def test_of_what_was_given_up_the_error_says_why(self, cluster: Cluster, agent: NodeLedger) -> None:
        late = cluster.enqueue("tasks:f", cost={"gpu": 4}, wait_ttl=5)
        unfit = cluster.enqueue("tasks:f", cost={"gpu": 4}, on_infeasible=1)
        seconds, _ = cluster.store.read("TIME")
        for waited_s in (2, 8):
            cluster.store.now_ms = (int(seconds) + waited_s) * 1000
            tick(cluster.store)

        found = [read_function(cluster.store, handle.id) for handle in (late, unfit)]

        assert [each.reason for each in found] == [
            "failed, for it had not started after 5.0 s of waiting",
            "failed, for no live node could hold it: gpu 4 wanted, a has 2",
        ]
        assert [(each.error or "").partition(": ")[0] for each in found] == [
            "handoff.errors.WaitExpired",
            "handoff.errors.Infeasible",
        ]

    def test_of_a_delayed_retry_is_said_when_it_is_due(self, cluster: Cluster, agent: NodeLedger) -> None:
        handle = cluster.enqueue("tasks:f", max_retries=1)
        fail(handle, agent)
        cluster.store.now_ms = int(cluster.connection.zscore(cluster.store.keys("delayed"), handle.id) or 0) - 250

        found = read_function(cluster.store, handle.id)

        assert found.reason == "attempt 1 failed: the next one is due in 0.2 s"
        assert (found.status, found.node, found.error) == ("delayed", None, None)

    def test_a_long_result_is_shortened(self, cluster: Cluster, agent: NodeLedger) -> None:
        handle = cluster.enqueue("tasks:f")
        finish(handle, agent)

        result = read_function(cluster.store, handle.id).result

        assert result == "'" + "x" * 196 + "..."

    def test_an_error_is_told_with_its_type(self, cluster: Cluster, agent: NodeLedger) -> None:
        handle = cluster.enqueue("tasks:f")
        fail(handle, agent)

        assert read_function(cluster.store, handle.id).error == "ValueError: no"

    def test_a_pickled_result_is_not_read(self, cluster: Cluster, agent: NodeLedger) -> None:
        pickling = Cluster(connection=cluster.connection, namespace=cluster.namespace, serializer="pickle")
        with pickling:
            handle = pickling.enqueue("tasks:f")
        finish(handle, agent)

        assert read_function(cluster.store, handle.id).result == "(pickled, and not read here: unpickling runs code)"

    def test_one_that_nobody_submitted_is_unknown(self, cluster: Cluster) -> None:
        with pytest.raises(UnknownFunction, match="nobody"):
            read_function(cluster.store, "nobody")
