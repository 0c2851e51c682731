"""rq's own cases of `Queue`, by what its tests of 3.0 ask; what differs stands in the guide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import unit_tasks
from handoff.client.cluster import Cluster
from handoff.errors import FunctionFailed, InvalidFunction, NotSerializable
from handoff.rq import Callback, Dependency, DuplicateJobError, Job, JobStatus, Queue, Retry
from handoff.rq.options import NO_MEANING, NoMeaning
from support.agent import FakeAgent, failure, ok
from support.rq_states import play_out
from support.submits import NOW_MS, later, run


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = NOW_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2, "gpu": 1}, labels={"zone": "b"}).register()


@pytest.fixture
def queue(cluster: Cluster, agent: FakeAgent) -> Queue:
    return Queue(connection=cluster.connection, cluster=cluster)


class TestEnqueue:
    def test_a_call_is_queued_with_its_arguments(self, queue: Queue) -> None:
        job = queue.enqueue(unit_tasks.add, 1, b=2)

        assert isinstance(job, Job)
        assert (job.get_status(), job.args, job.kwargs) == (JobStatus.QUEUED, (1,), {"b": 2})
        assert (job.func_name, queue.job_ids, queue.count, len(queue)) == ("unit_tasks.add", [job.id], 1, 1)
        assert job.enqueued_at is not None

    def test_a_dotted_name_is_called_as_rq_calls_it(self, queue: Queue) -> None:
        assert queue.enqueue("unit_tasks.add", 1, 2).func_name == "unit_tasks.add"

    def test_arguments_may_stand_in_args_and_kwargs_beside_options_of_the_same_names(self, queue: Queue) -> None:
        job = queue.enqueue(unit_tasks.note, job_timeout=2, result_ttl=3, args=[1], kwargs={"timeout": 1, "cost": 5})

        assert (job.timeout, job.result_ttl, job.args, job.kwargs) == (2, 3, (1,), {"timeout": 1, "cost": 5})

    def test_it_returns_what_the_function_returned(self, queue: Queue, agent: FakeAgent) -> None:
        job = queue.enqueue(unit_tasks.add, 1, 2)

        run(agent, lambda id: ok(id, 3))

        assert (job.get_status(), job.return_value(), job.is_finished) == (JobStatus.FINISHED, 3, True)
        assert job in queue.finished_job_registry
        assert queue.is_empty()

    def test_what_is_said_of_a_job_is_kept_with_it(self, queue: Queue) -> None:
        job = queue.enqueue(
            unit_tasks.add,
            1,
            2,
            meta={"a": 1},
            description="sum",
            failure_ttl=10,
            result_ttl="1m",
            job_id="sum-1",
        )

        assert (job.id, job.meta, job.description, job.failure_ttl, job.result_ttl) == (
            "sum-1",
            {"a": 1},
            "sum",
            10,
            60,
        )

    @pytest.mark.parametrize(("given", "kept"), [({}, 180), ({"job_timeout": 15}, 15), ({"job_timeout": "5m"}, 300)])
    def test_an_attempt_may_take_as_long_as_rq_lets_it(self, queue: Queue, given: dict[str, object], kept: int) -> None:
        assert queue.enqueue(unit_tasks.add, 1, 2, **given).timeout == kept

    def test_a_queue_has_a_limit_of_time_of_its_own(self, cluster: Cluster, queue: Queue) -> None:
        assert Queue(cluster=cluster, default_timeout=15).enqueue(unit_tasks.add, 1, 2).timeout == 15
        assert Queue(cluster=cluster, default_timeout=-1).enqueue(unit_tasks.add, 1, 2).timeout == -1

    @pytest.mark.parametrize("options", [{"ttl": 0}, {"ttl": -1}, {"job_timeout": 0}, {"result_ttl": "soon"}], ids=repr)
    def test_what_makes_no_sense_is_refused_and_nothing_is_written(
        self, queue: Queue, options: dict[str, object]
    ) -> None:
        with pytest.raises(InvalidFunction):
            queue.enqueue(unit_tasks.add, 1, 2, **options)

        assert queue.is_empty()

    def test_what_has_not_started_within_its_ttl_fails(self, cluster: Cluster, queue: Queue) -> None:
        job = queue.enqueue(unit_tasks.add, 1, 2, ttl=10, cost={"cpu": 64})

        later(cluster, 11)

        assert job.get_status() == JobStatus.FAILED

    def test_callbacks_are_those_of_rq(self, queue: Queue) -> None:
        job = queue.enqueue(
            unit_tasks.add, 1, 2, on_success=Callback(unit_tasks.noted, timeout=9), on_failure=unit_tasks.told
        )

        assert (job._success_callback_name, job.success_callback_timeout) == ("unit_tasks.noted", 9)
        assert job._failure_callback_name == "unit_tasks.told"

    def test_at_the_front_it_starts_before_all_others(self, queue: Queue, agent: FakeAgent) -> None:
        whole = {"cpu": 2}
        jobs = [queue.enqueue(unit_tasks.add, 1, 2, cost=whole) for _ in range(2)]
        front = queue.enqueue(unit_tasks.add, 1, 4, cost=whole, at_front=True)

        run(agent, ok)

        assert (front.get_status(), jobs[1].get_status()) == (JobStatus.QUEUED, JobStatus.DEFERRED)

    def test_pickled_arguments_go_to_agents_that_allow_them(self, cluster: Cluster, agent: FakeAgent) -> None:
        with pytest.raises(NotSerializable):
            Queue(cluster=cluster).enqueue(unit_tasks.note, Retry(max=1))

        pickled = Queue(connection=cluster.connection, namespace=cluster.namespace, serializer="pickle")

        assert pickled.enqueue(unit_tasks.note, timedelta(1)).args == (timedelta(1),)


class TestPlace:
    def test_a_call_says_what_it_costs_and_where_it_may_run(self, queue: Queue) -> None:
        job = queue.enqueue(unit_tasks.add, 1, 2, cost={"gpu": 1}, where={"zone": "b"})

        assert queue.cluster.handle(job.id).devices == {"gpu": [0]}
        assert queue.enqueue(unit_tasks.add, 1, 2, where={"zone": "c"}).get_status() == JobStatus.DEFERRED

    def test_a_queue_says_it_for_calls_that_do_not(self, cluster: Cluster, queue: Queue, agent: FakeAgent) -> None:
        urgent = Queue("urgent", cluster=cluster, cost={"cpu": 2}, node="a", priority=5)
        jobs = [queue.enqueue(unit_tasks.add, 1, 2, cost={"cpu": 2}) for _ in range(2)]
        first = urgent.enqueue(unit_tasks.add, 1, 2)

        run(agent, ok)

        assert (first.get_status(), jobs[1].get_status()) == (JobStatus.QUEUED, JobStatus.DEFERRED)

    def test_queues_on_connections_that_are_alike_share_one_cluster(self, cluster: Cluster) -> None:
        ours = cluster.connection
        one = Queue(connection=ours, namespace=cluster.namespace)
        other = Queue("high", connection=type(ours)(connection_pool=ours.connection_pool), namespace=cluster.namespace)

        assert one.cluster is other.cluster
        assert one.cluster is not Queue(connection=ours, namespace="another").cluster


class TestTime:
    def test_a_call_is_scheduled_for_later(self, cluster: Cluster, queue: Queue) -> None:
        job = queue.enqueue_in(timedelta(minutes=1), unit_tasks.add, 1, b=2)
        assert (queue.count, job in queue.scheduled_job_registry) == (0, True)

        later(cluster, 60)

        assert (queue.job_ids, job.get_status()) == ([job.id], JobStatus.QUEUED)

    def test_a_call_is_scheduled_for_a_moment(self, queue: Queue) -> None:
        past = queue.enqueue_at(datetime(2001, 1, 1, tzinfo=UTC), unit_tasks.note, 1)
        later = queue.enqueue_at(datetime(2101, 1, 1, tzinfo=UTC), unit_tasks.note, job_timeout=2, args=[1], kwargs={})

        assert (later.timeout, queue.scheduled_job_registry.get_job_ids()) == (2, [later.id])
        assert past.get_status() == JobStatus.QUEUED


class TestUnique:
    def test_an_id_that_is_to_be_unique_is_refused_whatever_became_of_it(self, queue: Queue, agent: FakeAgent) -> None:
        queue.enqueue(unit_tasks.add, 1, 2, job_id="one", unique=True)
        with pytest.raises(DuplicateJobError):
            queue.enqueue(unit_tasks.add, 1, 2, job_id="one", unique=True)
        run(agent, ok)

        with pytest.raises(DuplicateJobError):
            queue.enqueue(unit_tasks.add, 1, 2, job_id="one", unique=True)

    def test_unique_without_an_id_is_refused(self, queue: Queue) -> None:
        with pytest.raises(ValueError, match="requires an explicit job_id"):
            queue.enqueue(unit_tasks.add, 1, 2, unique=True)

    def test_it_may_be_used_again_when_the_job_was_deleted(self, queue: Queue, agent: FakeAgent) -> None:
        queue.enqueue(unit_tasks.add, 1, 2, job_id="one", unique=True).delete()

        assert queue.enqueue(unit_tasks.add, 3, 4, job_id="one", unique=True).args == (3, 4)
        play_out(queue.cluster, agent)

    def test_otherwise_one_that_has_ended_makes_way_and_one_that_has_not_does_not(
        self, queue: Queue, agent: FakeAgent
    ) -> None:
        queue.enqueue(unit_tasks.add, 1, 2, job_id="one")
        with pytest.raises(DuplicateJobError):
            queue.enqueue(unit_tasks.add, 1, 2, job_id="one")
        run(agent, ok)

        assert queue.enqueue(unit_tasks.add, 3, 4, job_id="one").args == (3, 4)


class TestRetry:
    def test_intervals_pass_between_attempts(self, cluster: Cluster, queue: Queue, agent: FakeAgent) -> None:
        job = queue.enqueue(unit_tasks.fail, "no", retry=Retry(max=2, interval=[10, 60]))

        run(agent, failure)
        later(cluster, 10)
        assert job.get_status() == JobStatus.QUEUED
        run(agent, failure)
        later(cluster, 59)
        assert job in queue.scheduled_job_registry
        later(cluster, 1)
        run(agent, failure)

        assert (job.get_status(), job in queue.failed_job_registry) == (JobStatus.FAILED, True)

    def test_what_has_failed_is_requeued(self, queue: Queue, agent: FakeAgent) -> None:
        job = queue.enqueue(unit_tasks.fail, "no")
        run(agent, failure)
        with pytest.raises(FunctionFailed):
            queue.cluster.handle(job.id).result(timeout=0)

        queue.failed_job_registry.requeue(job)

        assert job.get_status() == JobStatus.QUEUED


class TestDependencies:
    @pytest.mark.parametrize("form", [lambda job: job, lambda job: job.id, lambda job: [job], Dependency])
    def test_a_call_waits_for_the_one_that_it_depends_on(self, queue: Queue, agent: FakeAgent, form: object) -> None:
        first = queue.enqueue(unit_tasks.add, 1, 2)
        second = queue.enqueue(unit_tasks.add, 3, 4, depends_on=form(first))  # type: ignore[operator]
        assert (second.get_status(), second in queue.deferred_job_registry) == (JobStatus.DEFERRED, True)

        run(agent, ok)

        assert second.get_status() == JobStatus.QUEUED

    def test_it_goes_on_after_a_failure_where_that_is_allowed(self, queue: Queue, agent: FakeAgent) -> None:
        first = queue.enqueue(unit_tasks.fail, "no")
        second = queue.enqueue(unit_tasks.add, 3, 4, depends_on=Dependency(first, allow_failure=True))

        run(agent, failure)

        assert second.get_status() == JobStatus.QUEUED


class TestMany:
    def test_many_are_enqueued_in_their_order_and_each_in_its_way(self, queue: Queue) -> None:
        jobs = queue.enqueue_many(
            [
                Queue.prepare_data(unit_tasks.add, (1, 2), job_id="dependent", depends_on="first"),
                Queue.prepare_data("unit_tasks.add", (1, 3), job_id="first", retry=Retry(2), timeout=7, ttl=60),
                Queue.prepare_data(unit_tasks.note, kwargs={"value": 1}, meta={"a": 1}),
            ]
        )

        assert [job.args for job in jobs] == [(1, 2), (1, 3), ()]
        assert [job.get_status() for job in jobs] == [JobStatus.DEFERRED, JobStatus.QUEUED, JobStatus.QUEUED]
        assert (jobs[1].timeout, jobs[2].meta) == (7, {"a": 1})

    def test_an_id_that_stands_twice_is_refused(self, queue: Queue) -> None:
        with pytest.raises(ValueError, match="more than once"):
            queue.enqueue_many([Queue.prepare_data(unit_tasks.add, (1, 2), job_id="one")] * 2)


class TestLooking:
    def test_a_job_is_found_by_its_id(self, queue: Queue) -> None:
        job = queue.enqueue(unit_tasks.add, 1, 2)

        assert (queue.fetch_job(job.id), queue.fetch_job("none")) == (job, None)
        assert [each.id for each in queue.jobs] == [job.id]
        assert Job.fetch(job.id, connection=queue.connection).args == (1, 2)

    def test_a_job_that_is_canceled_is_listed_so(self, queue: Queue, agent: FakeAgent) -> None:
        job = queue.enqueue(unit_tasks.add, 1, 2)

        job.cancel()
        play_out(queue.cluster, agent)

        assert (queue.canceled_job_registry.get_job_ids(), queue.count) == ([job.id], 0)

    def test_queues_of_one_name_on_one_cluster_are_equal(self, cluster: Cluster, queue: Queue) -> None:
        assert {Queue("default", cluster=cluster), queue} == {queue}
        assert Queue("other", cluster=cluster) != queue


class TestWithoutMeaning:
    @pytest.mark.parametrize("option", sorted(NO_MEANING.keys() - {"group_id"}))
    def test_an_option_without_a_meaning_says_what_to_do(self, queue: Queue, option: str) -> None:
        with pytest.raises(NoMeaning, match=f"rq's {option} has no meaning here: "):
            queue.enqueue(unit_tasks.add, 1, 2, **{option: object()})

    @pytest.mark.parametrize("name", ["empty", "delete", "remove", "pop_job_id", "enqueue_job"])
    def test_a_method_without_a_meaning_says_what_to_do(self, queue: Queue, name: str) -> None:
        with pytest.raises(AttributeError, match=f"rq's Queue.{name} has no meaning here: "):
            getattr(queue, name)

    def test_an_attribute_that_rq_has_not_either_is_none(self, queue: Queue) -> None:
        with pytest.raises(AttributeError, match="no attribute 'colour'"):
            queue.colour  # noqa: B018
