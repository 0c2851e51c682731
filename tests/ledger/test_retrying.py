"""A function that has failed or was canceled starts afresh, under its id and with all that it asked for."""

from __future__ import annotations

from typing import Any

import pytest
from rq import Queue
from rq.job import Job

from handoff import NotRetried
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import FunctionFailed, NodeLost, UnknownFunction
from handoff.graph.dag import DAG
from handoff.ledger import housekeeping
from handoff.ledger.fields import FIELDS
from handoff.ledger.keys import queue_name
from handoff.ledger.verdict import Verdict
from handoff.words.function import Function
from support.passing import pass_ms
from support.status import Playing, failed

NOW_MS = 1_800_000_000_000


@pytest.fixture
def playing(cluster: Cluster) -> Playing:
    cluster.store.now_ms = NOW_MS
    return Playing(cluster)


def stored(cluster: Cluster, id: str) -> dict[bytes, bytes]:
    found: Any = cluster.connection.hgetall(cluster.store.keys("rq_job", id))
    return dict(found)


def canceled(cluster: Cluster, **options: Any) -> Handle:
    handle = cluster.enqueue("tasks:f", cost={"cpu": 64}, **options)
    assert handle.cancel()
    return handle


class TestAfresh:
    def test_one_that_has_failed_is_placed_again_and_runs_from_its_first_attempt(
        self, cluster: Cluster, playing: Playing
    ) -> None:
        handle = failed(cluster, playing, cost={"cpu": 1})

        assert handle.retry() == Verdict("placed", "a", {}, "placed on a")
        assert (handle.status, handle.attempts) == ("queued", 0)
        playing.end("finished", *playing.start())
        assert (handle.status, handle.attempts) == ("finished", 1)

    def test_one_that_was_canceled_waits_again(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 64})
        cluster.tracker.request("a", {"cpu": 64})
        handle = canceled(cluster)

        verdict = handle.retry()

        assert (verdict.state, handle.status) == ("waiting", "waiting")
        assert verdict.reason == "waits until a node has room for cpu 64: 1 live node could hold it when idle"

    def test_one_that_no_node_could_hold_says_so(self, cluster: Cluster, playing: Playing) -> None:
        assert canceled(cluster).retry().reason == "cpu 64 wanted, a has 2"

    def test_all_that_it_asked_for_is_kept_and_nothing_of_what_became_of_it(
        self, cluster: Cluster, playing: Playing
    ) -> None:
        options: dict[str, Any] = {
            "cost": [{"cpu": 1}, {"gpu": 1}],
            "priority": 7,
            "timeout": 30,
            "max_retries": 0,
            "result_ttl": 60,
            "failure_ttl": 90,
            "meta": {"by": "me"},
            "description": "the one",
            "where": {"node": ["a", "b"]},
            "wait_ttl": 100,
            "unique": "key",
        }
        handle = cluster.enqueue("tasks:f", 1, x="y", job_id="one", **options)
        before = stored(cluster, "one")
        playing.end("failed", *playing.start())
        handle.retry()

        after = stored(cluster, "one")

        differs = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        assert {name.decode() for name in differs} <= {
            FIELDS[name].name for name in ("token", "rank", "placement", "enqueued_at")
        }
        assert cluster.connection.ttl(cluster.store.keys("rq_job", "one")) == -1

    def test_it_stands_behind_those_of_its_priority_that_were_submitted_meanwhile(self, cluster: Cluster) -> None:
        first = canceled(cluster)
        cluster.enqueue("tasks:f", cost={"cpu": 64})
        first.retry()

        position = first.explain().position
        assert position is not None
        assert position["in_shape"] == 2

    def test_rq_lists_it_where_it_stands_and_no_longer_as_failed(self, cluster: Cluster, playing: Playing) -> None:
        handle = failed(cluster, playing)
        handle.retry()

        queue = Queue(queue_name(cluster.namespace, "a"), connection=cluster.connection)
        assert queue.job_ids == [handle.id]
        assert queue.failed_job_registry.get_job_ids() == []
        assert Job.exists(handle.id, connection=cluster.connection)
        assert handle.job.latest_result() is None

    def test_whoever_waits_for_its_result_gets_that_of_its_new_life(self, cluster: Cluster, playing: Playing) -> None:
        handle = failed(cluster, playing, message="the first")
        handle.retry()
        playing.end("failed", *playing.start(), message="the second")

        with pytest.raises(FunctionFailed, match="the second"):
            handle.result(0)

    def test_what_depends_on_it_goes_on_when_it_has_finished(self, cluster: Cluster, playing: Playing) -> None:
        first = failed(cluster, playing)
        dependent = cluster.enqueue("tasks:f", depends_on=first)
        first.retry()
        assert dependent.status == "deferred"

        playing.end("finished", *playing.start())
        housekeeping.tick(cluster.store)

        assert dependent.status == "queued"

    def test_it_waits_again_for_what_it_depends_on(self, cluster: Cluster, playing: Playing) -> None:
        first = cluster.enqueue("tasks:f")
        dependent = cluster.enqueue("tasks:f", depends_on=first)
        dependent.cancel()

        assert dependent.retry().state == "deferred"
        playing.end("finished", *playing.start())
        housekeeping.tick(cluster.store)
        assert dependent.status == "queued"

    def test_what_it_depends_on_and_is_gone_counts_as_ended(self, cluster: Cluster, playing: Playing) -> None:
        first = cluster.enqueue("tasks:f", result_ttl=0)
        dependent = cluster.enqueue("tasks:f", depends_on=first)
        playing.end("finished", *playing.start())
        housekeeping.tick(cluster.store)
        playing.end("failed", *playing.start())
        assert dependent.status == "failed"

        assert dependent.retry().state == "placed"

    def test_one_lost_with_its_node_starts_on_another(self, cluster: Cluster, playing: Playing) -> None:
        handle = cluster.enqueue("tasks:f")
        playing.start()
        cluster.deregister_node("a")
        with pytest.raises(NodeLost):
            handle.result(0)
        cluster.register_node("b", {"cpu": 1})

        assert handle.retry().node == "b"

    def test_its_wait_ttl_begins_anew(self, cluster: Cluster) -> None:
        cluster.store.now_ms = NOW_MS
        handle = cluster.enqueue("tasks:f", wait_ttl=10)
        pass_ms(cluster.store, 11_000)
        housekeeping.tick(cluster.store)
        assert handle.status == "failed"
        handle.retry()
        pass_ms(cluster.store, 9_000)
        housekeeping.tick(cluster.store)
        assert handle.status == "waiting"


class TestRefused:
    @pytest.mark.parametrize("state", ["waiting", "started"])
    def test_what_has_not_ended_is_left_as_it_is(self, cluster: Cluster, playing: Playing, state: str) -> None:
        handle = cluster.enqueue("tasks:f", cost={"cpu": 64 if state == "waiting" else 1})
        playing.start()
        before = stored(cluster, handle.id)

        with pytest.raises(NotRetried, match="for it has not ended: cancel it first"):
            handle.retry()
        assert stored(cluster, handle.id) == before

    def test_what_has_finished_is_to_be_submitted_anew(self, cluster: Cluster, playing: Playing) -> None:
        handle = cluster.enqueue("tasks:f")
        playing.end("finished", *playing.start())

        with pytest.raises(NotRetried, match="for it has finished: submit it anew"):
            handle.retry()

    def test_what_belongs_to_a_run_is_to_be_submitted_with_its_graph(self, cluster: Cluster, playing: Playing) -> None:
        run = cluster.submit_dag(DAG().add(Function("one", "tasks:f", max_retries=0)))
        playing.end("failed", *playing.start())

        with pytest.raises(NotRetried, match="belongs to a run, where its end is counted: submit the graph anew"):
            run.handle("one").retry()

    def test_what_nobody_knows_cannot_be(self, cluster: Cluster) -> None:
        handle = canceled(cluster, failure_ttl=0)

        with pytest.raises(UnknownFunction):
            handle.retry()

    def test_one_whose_key_another_has_stays_ended(self, cluster: Cluster) -> None:
        handle = canceled(cluster, unique="key")
        other = cluster.enqueue("tasks:f", cost={"cpu": 64}, unique="key")

        with pytest.raises(NotRetried, match=f"another function, '{other.id}', has its key meanwhile"):
            handle.retry()
        assert handle.status == "canceled"

    def test_a_job_of_rqs_own_is_left_to_its_tools(self, cluster: Cluster) -> None:
        queue = Queue(cluster.namespace, connection=cluster.connection)
        job = queue.create_job("tasks.f", status="failed")  # type: ignore[arg-type]
        job.save()

        with pytest.raises(NotRetried, match="for rq's own tools have made it: requeue it by those"):
            cluster.handle(job.id).retry()
        job.delete()
