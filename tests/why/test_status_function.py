"""What people are told of one function."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rq.suspension import resume, suspend

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import UnknownFunction
from handoff.ledger.housekeeping import tick
from handoff.ledger.result_entry import encode_traceback, encode_value
from handoff.serializer import Serializer
from handoff.why.function_status import Variant, read_function
from handoff.words.variants import After
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.ledger import NodeLedger
from support.status import start

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

        assert found.reason == "attempt 1 of 2 failed with ValueError: no; the next one is due in 0.2 s"
        assert (found.status, found.node, found.error) == ("delayed", None, None)

    def test_a_long_result_is_shortened(self, cluster: Cluster, agent: NodeLedger) -> None:
        handle = cluster.enqueue("tasks:f")
        finish(handle, agent)

        result = read_function(cluster.store, handle.id).result

        assert result == "'" + "x" * 196 + "..."

    def test_a_result_that_somebody_has_written_over_says_so(self, cluster: Cluster, agent: NodeLedger) -> None:
        handle = cluster.enqueue("tasks:f")
        finish(handle, agent)
        results = cluster.store.keys("rq_results", handle.id)
        cluster.connection.delete(results)
        cluster.connection.xadd(results, {"type": 1, "return_value": "nonsense"})

        assert read_function(cluster.store, handle.id).result == "(it cannot be read: it is not what Handoff writes)"

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
