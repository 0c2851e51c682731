"""What RQ's tools see of a function is true, whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import redis
import rq
from rq.job import Job, JobStatus
from rq.results import Result as RqResult

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from handoff.serializer import Serializer
from support.agent import FakeAgent, ok
from support.passing import pass_ms
from support.rq_states import (
    NOW,
    to_canceled,
    to_delayed,
    to_failed,
    to_finished,
    to_queued,
    to_started,
    to_stopped,
    to_waiting,
)


class TestJobs:
    @pytest.mark.parametrize(
        ("to_state", "status", "place"),
        [
            (to_waiting, JobStatus.DEFERRED, ""),
            (to_delayed, JobStatus.DEFERRED, ""),
            (to_queued, JobStatus.QUEUED, ".a"),
            (to_started, JobStatus.STARTED, ".a"),
            (to_finished, JobStatus.FINISHED, ".a"),
            (to_failed, JobStatus.FAILED, ".a"),
            (to_stopped, JobStatus.STOPPED, ".a"),
            (to_canceled, JobStatus.CANCELED, ".a"),
        ],
    )
    def test_a_job_is_fetched_in_every_state_without_naming_a_serializer(
        self,
        cluster: Cluster,
        agent: FakeAgent,
        theirs: redis.Redis,
        to_state: Callable[[Cluster, FakeAgent], Handle],
        status: JobStatus,
        place: str,
    ) -> None:
        handle = to_state(cluster, agent)

        job = Job.fetch(handle.id, connection=theirs)

        assert job.get_status() is status
        assert job.origin == f"{cluster.namespace}{place}"
        assert job.description == "tasks.work(1, b='2')"
        assert (job.result_ttl, job.failure_ttl) == (500, 365 * 24 * 3600)
        assert job.id == handle.id
        assert Job.exists(handle.id, connection=theirs)

    def test_its_times_are_those_of_the_server(self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis) -> None:
        handle = to_queued(cluster, agent)
        pass_ms(cluster.store, 1500)
        [started] = agent.take()
        pass_ms(cluster.store, 250)
        agent.finish(ok(started.id))

        job = Job.fetch(handle.id, connection=theirs)

        assert job.enqueued_at == NOW
        assert job.started_at == job.last_heartbeat == NOW + timedelta(milliseconds=1500)
        assert job.ended_at == NOW + timedelta(milliseconds=1750)
        assert job.created_at is not None
        assert abs(job.created_at - datetime.now(UTC)) < timedelta(hours=1)

    def test_times_that_have_not_come_are_absent(self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis) -> None:
        job = Job.fetch(to_waiting(cluster, agent).id, connection=theirs)

        assert (job.enqueued_at, job.started_at, job.ended_at, job.worker_name) == (None, None, None, None)
        assert job.latest_result() is None

    def test_the_call_is_read_with_our_serializer(self, cluster: Cluster, theirs: redis.Redis) -> None:
        handle = cluster.enqueue(
            "package.tasks:work", b"\0", {"a": (1,)}, c=2**70, timeout=90, meta={"owner": "me"}, description="mine",
            on_success="package.done", on_failure=rq.Callback("package.told", timeout=9),
        )  # fmt: skip

        job = Job.fetch(handle.id, connection=theirs, serializer=Serializer)

        assert (job.func_name, job.args, job.kwargs) == ("package.tasks.work", (b"\0", {"a": (1,)}), {"c": 2**70})
        assert (job.timeout, job.meta, job.description) == (90, {"owner": "me"}, "mine")
        assert (job._success_callback_name, job.success_callback_timeout) == ("package.done", 60)
        assert (job._failure_callback_name, job.failure_callback_timeout) == ("package.told", 9)

    def test_a_job_without_a_timeout_has_no_limit_in_rqs_eyes(self, cluster: Cluster, theirs: redis.Redis) -> None:
        assert Job.fetch(cluster.enqueue("tasks:work").id, connection=theirs).timeout == -1

    def test_the_result_is_read_with_our_serializer(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        job = Job.fetch(to_finished(cluster, agent).id, connection=theirs, serializer=Serializer)

        assert job.is_finished
        assert job.return_value() == [1]
        result = job.latest_result()
        assert result is not None
        assert (result.type, result.return_value, result.worker_name) == (
            RqResult.Type.SUCCESSFUL, [1], f"{cluster.namespace}.a",
        )  # fmt: skip
        assert len(job.results()) == 1

    @pytest.mark.parametrize(
        ("to_state", "type", "text"),
        [(to_failed, RqResult.Type.FAILED, "ValueError: no"), (to_stopped, RqResult.Type.STOPPED, "it was stopped")],
    )
    def test_a_failure_shows_its_traceback_to_everybody(
        self,
        cluster: Cluster,
        agent: FakeAgent,
        theirs: redis.Redis,
        to_state: Callable[[Cluster, FakeAgent], Handle],
        type: RqResult.Type,
        text: str,
    ) -> None:
        job = Job.fetch(to_state(cluster, agent).id, connection=theirs)

        result = job.latest_result()
        assert result is not None
        assert (result.type, result.exc_string) == (type, text)
        with pytest.warns(DeprecationWarning, match="latest_result"):
            assert job.exc_info == (text if type is RqResult.Type.FAILED else None)

    def test_a_function_that_was_lost_says_so_to_rqs_tools(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_started(cluster, agent)
        pass_ms(cluster.store, agent.lease_ms)
        tick(cluster.store)

        job = Job.fetch(handle.id, connection=theirs)

        assert job.is_failed
        result = job.latest_result()
        assert result is not None
        assert result.exc_string is not None
        assert result.exc_string.startswith("handoff.errors.NodeLost: ")

    def test_a_function_can_keep_meta_while_it_runs(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        job = Job.fetch(to_started(cluster, agent).id, connection=theirs, serializer=Serializer)

        job.meta["step"] = 3
        job.save_meta()  # type: ignore[no-untyped-call]

        agent.finish(*(ok(id) for id in agent.runs))
        assert Job.fetch(job.id, connection=theirs, serializer=Serializer).meta == {"step": 3}
