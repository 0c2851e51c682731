"""`depends_on`: a function is deferred, and costs nothing, until those on which it depends have ended as it asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from rq import Queue
from rq.job import Dependency, JobStatus
from rq.registry import DeferredJobRegistry

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import InvalidFunction, MissingFunction
from handoff.graph.dag import DAG
from handoff.ledger.housekeeping import tick
from handoff.words.function import Function
from support.agent import FakeAgent, failure, killed, ok, unstarted
from support.ledger import read_ledger
from support.passing import pass_ms
from support.submits import NOW_MS

SELDOM_MS = 10_000
"""So often it is looked at what rq's tools do to functions that are waited for."""


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=60_000).register()


def submit(cluster: Cluster, id: str, **options: Any) -> Handle:
    return cluster.enqueue("tasks:work", job_id=id, **options)


def depending(cluster: Cluster, on: Any, id: str = "last", **options: Any) -> Handle:
    return submit(cluster, id, depends_on=on, **options)


def finish(agent: FakeAgent, make: Callable[[str], Any] = ok) -> None:
    """Whatever runs ends so."""
    agent.take()
    agent.finish(*(make(id) for id in agent.runs), room=0)


def look(cluster: Cluster, ms: int = SELDOM_MS) -> None:
    pass_ms(cluster.store, ms)
    tick(cluster.store)


def assert_nothing_kept(cluster: Cluster) -> None:
    """Nobody waits for anybody any more."""
    own = read_ledger(cluster.store).own
    assert [key for key in own if key.startswith(("dependents:", "awaited", "watched"))] == []


def mail(cluster: Cluster) -> Queue:
    """A queue of RQ's own."""
    return Queue("mail", connection=cluster.connection)


class TestUntilAllHaveEnded:
    def test_it_is_deferred_and_holds_nothing(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first", cost={"cpu": 1})

        last = depending(cluster, first, cost={"cpu": 1})

        assert last.verdict is not None
        assert (last.verdict.state, last.verdict.node) == ("deferred", None)
        assert last.verdict.reason == "is deferred until 'first' (queued on a) has finished"
        assert (last.status, last.node, last.created) == ("deferred", None, True)
        assert len(read_ledger(cluster.store).held["a"]) == 1

    def test_rq_shows_it_as_deferred_with_what_it_depends_on(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")

        job = depending(cluster, Dependency([first.job], allow_failure=True)).job

        assert job.get_status() == JobStatus.DEFERRED
        assert job.id in DeferredJobRegistry(cluster.namespace, connection=cluster.connection)
        assert [each.id for each in job.fetch_dependencies()] == [first.id]
        assert job.allow_dependency_failures is True
        assert not job.dependencies_are_met()

    @pytest.mark.parametrize("form", ["handle", "id", "job", "dependency"])
    def test_it_is_placed_by_the_finish_of_the_last(self, cluster: Cluster, agent: FakeAgent, form: str) -> None:
        handles = [submit(cluster, id, cost={"cpu": 1}) for id in ("first", "second")]
        forms: dict[str, Callable[[Handle], Any]] = {
            "handle": lambda handle: handle, "id": lambda handle: handle.id, "job": lambda handle: handle.job,
            "dependency": lambda handle: Dependency([handle.id]),
        }  # fmt: skip
        last = depending(cluster, [forms[form](handle) for handle in handles])
        first, second = (started.id for started in agent.take(2))

        agent.finish(ok(first), room=0)
        assert last.status == "deferred"
        agent.finish(ok(second), room=0)

        assert last.status == "queued"
        assert_nothing_kept(cluster)
        finish(agent)
        assert last.status == "finished"

    def test_it_is_started_by_that_very_finish(self, cluster: Cluster, agent: FakeAgent) -> None:
        last = depending(cluster, submit(cluster, "first"))
        [started] = agent.take()

        agent.finish(ok(started.id), room=1)

        assert last.status == "started"

    def test_retries_of_one_are_waited_for(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first", max_retries=1)
        last = depending(cluster, first)
        finish(agent, failure)
        assert (first.status, last.status) == ("delayed", "deferred")
        look(cluster, 5000)

        finish(agent)

        assert (first.status, last.status) == ("finished", "queued")

    def test_an_attempt_that_could_not_begin_is_no_end(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")
        last = depending(cluster, first)

        finish(agent, unstarted)

        assert (first.status, last.status) == ("queued", "deferred")

    def test_a_lost_node_is_no_end_while_there_are_retries(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first", max_retries=1)
        last = depending(cluster, first)
        agent.take()
        look(cluster, 60_001)
        look(cluster, 5000)
        assert (first.status, last.status) == ("waiting", "deferred")
        other = FakeAgent(cluster.store, "b", {"cpu": 2}).register()

        finish(other)

        assert last.status == "queued"

    def test_its_delay_begins_then(self, cluster: Cluster, agent: FakeAgent) -> None:
        last = depending(cluster, submit(cluster, "first"), delay=60)
        pass_ms(cluster.store, 5000)

        finish(agent)

        assert last.status == "delayed"
        assert last.explain().waits_for[0]["seconds"] == 60

    def test_its_date_holds(self, cluster: Cluster, agent: FakeAgent) -> None:
        at = datetime.fromtimestamp(NOW_MS / 1000).astimezone() + timedelta(seconds=90)
        last = depending(cluster, submit(cluster, "first"), at=at)

        finish(agent)

        assert last.status == "delayed"

    def test_a_chain_goes_on_link_by_link(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")
        second = depending(cluster, first, "second")
        last = depending(cluster, second)

        finish(agent)
        assert (second.status, last.status) == ("queued", "deferred")
        finish(agent)

        assert last.status == "queued"

    def test_a_function_of_a_graph_may_be_waited_for(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(DAG("d").add(Function("x", "tasks:work")))
        last = depending(cluster, run.handle("x"))

        finish(agent)

        assert last.status == "queued"

    def test_those_of_the_best_rank_go_first_however_many_there_are(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")
        many = [depending(cluster, first, f"n{i}", cost={"cpu": 2}, priority=i) for i in range(80)]
        [started] = agent.take()

        agent.finish(ok(started.id), room=0)
        assert many[79].status == "queued"
        while cluster.store.read("EXISTS", cluster.store.keys("leftovers")):
            tick(cluster.store)

        assert {handle.status for handle in many[:79]} == {"waiting"}
        assert_nothing_kept(cluster)

    def test_whose_jobs_rq_deleted_keep_nobody_back(self, cluster: Cluster, agent: FakeAgent) -> None:
        last = depending(cluster, submit(cluster, "first"))
        gone = {f"n{rank}": rank for rank in range(1, 601)}  # More than one slice looks at.
        cluster.connection.zadd(cluster.store.keys("dependents", "first"), gone)

        finish(agent)

        assert last.status == "queued"

    def test_of_one_of_which_nothing_is_kept_the_end_counts(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first", result_ttl=0)
        last = depending(cluster, first)

        finish(agent)

        assert last.status == "queued"

    def test_it_may_have_a_unique_key_which_it_has_while_it_is_deferred(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        last = depending(cluster, submit(cluster, "first"), unique="key")

        again = submit(cluster, "again", unique="key")

        assert (again.id, again.created) == (last.id, False)
        assert again.verdict is not None
        assert "is deferred until" in again.verdict.reason


class TestWhereOneDoesNotFinish:
    @pytest.mark.parametrize(
        ("end", "allows", "expected"),
        [
            (failure, False, "deferred"), (failure, True, "queued"), (killed, True, "deferred"),
            (None, False, "deferred"), (None, True, "deferred"),
        ],
        ids=["failed", "failed, which is allowed", "stopped", "canceled", "canceled, where failing is allowed"],
    )  # fmt: skip
    def test_it_stays_deferred_unless_a_failure_is_allowed(
        self, cluster: Cluster, agent: FakeAgent, end: Callable[[str], Any] | None, allows: bool, expected: str
    ) -> None:
        first = submit(cluster, "first")
        last = depending(cluster, Dependency([first.id], allow_failure=allows))

        if end is None:
            first.cancel()
        else:
            finish(agent, end)
        look(cluster)

        assert last.status == expected

    def test_it_says_for_what_it_waits_and_how_that_stands(self, cluster: Cluster, agent: FakeAgent) -> None:
        first, second = submit(cluster, "first"), submit(cluster, "second", cost={"cpu": 3})
        last = depending(cluster, [first, second])
        finish(agent, failure)

        explanation = last.explain()

        assert explanation.state == "deferred"
        assert explanation.text == (
            "is deferred until 'first' (failed on a) and 'second' (waiting) have finished, which 'first' will not by "
            "itself: requeue it, submit it anew (replace=True), or cancel this one"
        )
        assert explanation.dependencies is not None
        assert (explanation.dependencies["of"], explanation.dependencies["ended"]) == (2, 0)
        assert explanation.dependencies["open"][0] == {
            "function_id": "first", "id": "first", "state": "failed", "node": "a",
        }  # fmt: skip

    def test_it_goes_on_when_that_is_requeued_and_finishes(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")
        last = depending(cluster, first)
        finish(agent, failure)
        first.job.requeue()
        tick(cluster.store)

        finish(agent)

        assert last.status == "queued"

    def test_it_goes_on_when_another_of_that_id_finishes(self, cluster: Cluster, agent: FakeAgent) -> None:
        last = depending(cluster, submit(cluster, "first"))
        finish(agent, failure)
        submit(cluster, "first", replace=True)
        assert last.status == "deferred"

        finish(agent)

        assert last.status == "queued"

    def test_one_that_rq_deletes_does_not_let_it_go(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")
        last = depending(cluster, first)
        first.job.delete()
        agent.beat()
        agent.take()

        look(cluster)

        assert last.status == "deferred"
        assert "'first' (gone) has finished, which" in last.explain().text

    def test_it_is_canceled_like_any_other_and_nothing_is_left_of_it(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")
        last = depending(cluster, first)

        assert last.cancel()

        assert_nothing_kept(cluster)
        assert last.status == "canceled"
        finish(agent)
        assert (first.status, last.status) == ("finished", "canceled")

    @pytest.mark.parametrize("verb", ["cancel", "delete"])
    def test_what_rq_takes_away_is_left_out(self, cluster: Cluster, agent: FakeAgent, verb: str) -> None:
        last = depending(cluster, submit(cluster, "first"))

        getattr(last.job, verb)()
        look(cluster)

        assert_nothing_kept(cluster)
        finish(agent)
        assert agent.take() == []

    def test_what_rq_pushes_starts_without_waiting_any_longer(self, cluster: Cluster, agent: FakeAgent) -> None:
        last = depending(cluster, submit(cluster, "first", cost={"cpu": 1}), cost={"cpu": 1})
        last.job.set_status(JobStatus.QUEUED)
        Queue(cluster.namespace, connection=cluster.connection).push_job_id(last.id)

        tick(cluster.store)

        assert last.status == "queued"
        assert_nothing_kept(cluster)


class TestOnWhatHasEnded:
    def test_it_is_placed_at_once(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")
        finish(agent)

        last = depending(cluster, first)

        assert last.verdict is not None
        assert last.verdict.state == "placed"
        assert last.job.dependencies_are_met()
        assert_nothing_kept(cluster)

    def test_a_failure_that_is_allowed_counts(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")
        finish(agent, failure)

        assert depending(cluster, Dependency([first.id], allow_failure=True)).status == "queued"
        assert depending(cluster, first, "other").status == "deferred"

    def test_one_that_is_not_there_is_refused_and_nothing_is_written(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")
        before = read_ledger(cluster.store)

        with pytest.raises(MissingFunction, match="'last' names 'no-such', which RQ does not have") as error:
            depending(cluster, [first, "no-such"])

        assert (error.value.id, error.value.needed_by) == ("no-such", "last")
        after = read_ledger(cluster.store)
        assert (after.own, after.jobs) == (before.own, before.jobs)

    def test_nothing_to_depend_on_is_no_dependency(self, cluster: Cluster, agent: FakeAgent) -> None:
        assert depending(cluster, []).status == "queued"
        assert depending(cluster, None, "other").status == "queued"


class TestOnJobsOfRqsOwn:
    def test_it_is_placed_by_a_tick_once_that_has_finished(self, cluster: Cluster, agent: FakeAgent) -> None:
        job = mail(cluster).enqueue("tasks.work")
        last = depending(cluster, job)
        assert last.verdict is not None
        assert last.verdict.reason == f"is deferred until '{job.id}' (queued) has finished"
        look(cluster, 500)
        assert last.status == "deferred"

        job.set_status(JobStatus.FINISHED)
        look(cluster, 500)

        assert last.status == "queued"
        assert_nothing_kept(cluster)

    def test_rqs_own_worker_pushes_nothing_that_has_no_reservation(self, cluster: Cluster, agent: FakeAgent) -> None:
        job = mail(cluster).enqueue("tasks.work")
        last = depending(cluster, job)
        job.set_status(JobStatus.FINISHED)

        mail(cluster).enqueue_dependents(job)
        job.cancel(enqueue_dependents=True)

        assert (last.status, Queue(cluster.namespace, connection=cluster.connection).job_ids) == ("deferred", [])

    def test_one_that_is_gone_counts_as_finished_as_it_does_for_rq(self, cluster: Cluster, agent: FakeAgent) -> None:
        job = mail(cluster).enqueue("tasks.work", result_ttl=0)
        last = depending(cluster, job)

        job.delete()
        look(cluster, 500)

        assert last.status == "queued"

    def test_one_that_was_seen_to_fail_does_not_count_when_it_is_gone(self, cluster: Cluster, agent: FakeAgent) -> None:
        job = mail(cluster).enqueue("tasks.work")
        last = depending(cluster, job)
        job.set_status(JobStatus.FAILED)
        look(cluster, 500)

        job.delete()
        look(cluster)

        assert last.status == "deferred"

    def test_it_goes_on_when_one_that_has_failed_is_brought_back(self, cluster: Cluster, agent: FakeAgent) -> None:
        job = mail(cluster).enqueue("tasks.work")
        last = depending(cluster, job)
        job.set_status(JobStatus.FAILED)
        look(cluster, 500)
        job.set_status(JobStatus.QUEUED)
        look(cluster)

        job.set_status(JobStatus.FINISHED)
        look(cluster, 500)

        assert last.status == "queued"

    def test_a_function_that_a_worker_of_rqs_own_has_ended_counts(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = submit(cluster, "first")
        last = depending(cluster, first)
        agent.take()
        first.job.set_status(JobStatus.FINISHED)

        look(cluster)

        assert last.status in ("queued", "waiting")
        finish(agent)


@pytest.mark.parametrize(
    ("on", "words"),
    [
        (7, "depends on 7"),
        ([object()], "depends on <object"),
        ("no id", "its job_id is not one that RQ allows"),
        ([f"f{i}" for i in range(257)], "depends on 257 functions, and on 256 it may"),
        ("last", "depends on itself"),
        (Dependency(["first"], enqueue_at_front=True), "asks for the front of a queue"),
    ],
    ids=["number", "object", "text", "many", "itself", "front"],
)
def test_what_is_nothing_to_depend_on_is_refused(cluster: Cluster, on: Any, words: str) -> None:
    with pytest.raises(InvalidFunction, match=words):
        depending(cluster, on)
