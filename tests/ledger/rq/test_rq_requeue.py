"""What RQ requeues or enqueues itself gets a reservation like any other, and takes its turn."""

from __future__ import annotations

import pytest
import redis
from rq import Queue
from rq.job import JobStatus
from rq.suspension import resume, suspend

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from handoff.serializer import Serializer
from support.agent import FakeAgent, failure, ok
from support.passing import pass_ms
from support.rq_states import play_out, submit, to_canceled, to_failed, to_started
from support.rq_verbs import VERBS


class TestRequeued:
    def test_a_requeued_function_is_kept_until_it_ends_again(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = submit(cluster, "f", failure_ttl=60)
        agent.finish(*(failure(started.id) for started in agent.take()))

        VERBS["job.requeue()"](cluster, handle, theirs)
        agent.take()

        assert handle.status == "started"
        assert cluster.connection.ttl(cluster.store.keys("rq_job", handle.id)) == -1

    def test_a_canceled_function_that_was_requeued_can_be_canceled_again(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_canceled(cluster, agent)

        VERBS["canceled.requeue()"](cluster, handle, theirs)
        agent.take()

        assert handle.status == "started"
        assert agent.beat() == []
        assert handle.cancel()
        assert len(agent.beat()) == 1

    def test_a_requeued_function_gives_its_new_result_and_not_its_old_failure(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_failed(cluster, agent)

        VERBS["job.requeue()"](cluster, handle, theirs)
        with pytest.raises(TimeoutError):
            handle.result(timeout=0)
        agent.finish(*(ok(started.id, "new") for started in agent.take()))

        assert handle.result(timeout=0) == "new"

    def test_a_function_requeued_where_its_node_is_gone_runs_elsewhere(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_failed(cluster, agent)
        agent.goodbye()
        other = FakeAgent(cluster.store, "b", {"cpu": 2}).register()

        VERBS["job.requeue()"](cluster, handle, theirs)
        play_out(cluster, other)

        assert (handle.status, handle.node) == ("finished", "b")

    def test_a_function_requeued_where_its_node_is_lost_runs_elsewhere(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_failed(cluster, agent)
        pass_ms(cluster.store, agent.lease_ms)
        other = FakeAgent(cluster.store, "b", {"cpu": 2}).register()
        tick(cluster.store)

        VERBS["job.requeue()"](cluster, handle, theirs)
        play_out(cluster, other)

        assert (handle.status, handle.node) == ("finished", "b")

    def test_requeueing_takes_its_turn_where_the_node_is_full(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle, running = to_failed(cluster, agent), submit(cluster, "running")
        [started] = agent.take()

        VERBS["job.requeue()"](cluster, handle, theirs)
        assert agent.take(9) == []
        assert handle.status == "waiting"
        agent.finish(ok(started.id))

        assert (handle.status, running.status) == ("queued", "finished")


class TestEnqueuedByRq:
    def test_a_job_that_rq_itself_put_onto_a_nodes_queue_gets_a_slot_and_runs(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        queue = Queue(f"{cluster.namespace}.a", connection=theirs, serializer=Serializer)
        job = queue.enqueue("tasks.work", 1, job_id=f"{cluster.namespace}-rq")

        [started] = agent.take()

        assert started.job_id == job.id
        assert agent.finish(ok(started.id, 7)) == ["stored"]
        assert job.return_value() == 7

    def test_a_job_that_rq_itself_put_onto_the_lobby_runs_on_some_node(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        job = Queue(cluster.namespace, connection=theirs, serializer=Serializer).enqueue(
            "tasks.work", job_id=f"{cluster.namespace}-rq"
        )

        tick(cluster.store)

        [started] = agent.take()
        assert started.job_id == job.id
        agent.finish(ok(started.id))
        assert job.get_status() is JobStatus.FINISHED

    def test_all_jobs_that_rq_put_onto_the_queue_of_a_node_that_never_was_run_elsewhere(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        queue = Queue(f"{cluster.namespace}.never", connection=theirs, serializer=Serializer)
        jobs = [queue.enqueue("tasks.work", job_id=f"{cluster.namespace}-{number}") for number in range(40)]

        play_out(cluster, agent)

        assert {job.get_status() for job in jobs} == {JobStatus.FINISHED}
        assert queue.key not in {each.key for each in Queue.all(connection=theirs)}


class TestSuspended:
    def test_while_suspended_functions_are_placed_and_nothing_is_started(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        suspend(theirs)
        handle = submit(cluster, "f")

        assert agent.take(9) == []
        agent.beat()
        assert handle.status == "queued"

        resume(theirs)
        assert len(agent.take(9)) == 1

    def test_a_suspension_lets_what_runs_finish(self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis) -> None:
        handle, behind = to_started(cluster, agent), submit(cluster, "behind")

        suspend(theirs)

        assert agent.finish(*(ok(id) for id in agent.runs), room=9) == ["stored"]
        assert (handle.status, behind.status, list(agent.runs)) == ("finished", "queued", [])
        resume(theirs)
