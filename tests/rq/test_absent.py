"""What rq has and `handoff.rq` has not: each name says what there is in its place."""

from __future__ import annotations

import importlib

import pytest
import rq
from rq import registry

import handoff.rq
import unit_tasks
from handoff.client.cluster import Cluster
from handoff.rq import Job, JobStatus, Queue, cancel_job, requeue_job
from support.agent import FakeAgent, failure, ok
from support.rq_states import play_out
from support.submits import NOW_MS, run

INTERNAL = {
    "acquire_maintenance_lock": "of rq's workers among themselves",
    "release_maintenance_lock": "of rq's workers among themselves",
    "registry_cleaning_key": "of rq's workers among themselves",
    "get_redis_server_version": "for rq's own choice of commands",
}
"""Public names of rq's queue that no program calls, and why."""

INTERNAL_OF_REGISTRIES = {
    "add_execution": "of rq's workers",
    "death_penalty_class": "of rq's workers",
    "get_job_and_execution_ids": "of rq's workers",
    "job_class": "of rq's workers",
    "key_template": "where rq keeps it",
    "parse_job_id": "how rq keeps it",
    "remove_execution": "of rq's workers",
    "remove_executions": "of rq's workers",
    "remove_jobs": "of rq's scheduler",
}


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = NOW_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}).register()


@pytest.fixture
def queue(cluster: Cluster, agent: FakeAgent) -> Queue:
    return Queue(connection=cluster.connection, cluster=cluster)


class TestNames:
    def test_each_public_name_of_a_queue_of_rq_is_there_or_says_what_is(self, queue: Queue) -> None:
        _check_names(queue, [rq.Queue], "Queue", INTERNAL)

    def test_each_public_name_of_a_registry_of_rq_is_there_or_says_what_is(self, queue: Queue) -> None:
        kinds = [registry.FailedJobRegistry, registry.ScheduledJobRegistry, registry.StartedJobRegistry]

        _check_names(queue.failed_job_registry, kinds, "Registry", INTERNAL_OF_REGISTRIES)

    def test_each_name_that_rq_exports_is_there_or_says_what_is(self) -> None:
        for name in rq.__all__:
            said = _refusal(handoff.rq, name)
            assert said is None or f"rq's {name} has no meaning here: " in said

    @pytest.mark.parametrize("name", ["all", "dequeue_any", "from_queue_key"])
    def test_the_class_says_it_too(self, name: str) -> None:
        with pytest.raises(AttributeError, match=f"rq's Queue.{name} has no meaning here: "):
            getattr(Queue, name)

    def test_an_import_says_it(self) -> None:
        with pytest.raises(ImportError, match="rq's Worker has no meaning here: start `handoff node`"):
            exec("from handoff.rq import Worker")

    def test_a_name_that_rq_has_not_either_is_none_of_the_module(self) -> None:
        assert not hasattr(importlib.import_module("handoff.rq"), "Colour")


def _check_names(ours: object, kinds: list[type], kind: str, internal: dict[str, str]) -> None:
    names = {name for each in kinds for name in dir(each) if not name.startswith("_")}
    refused = {name: said for name in names if (said := _refusal(ours, name)) is not None}
    told = {name for name, said in refused.items() if f"rq's {kind}.{name} has no meaning here: " in said}

    assert refused.keys() - told == internal.keys()


def _refusal(ours: object, name: str) -> str | None:
    try:
        getattr(ours, name)
    except (AttributeError, ImportError) as error:
        return str(error)
    return None


class TestClasses:
    @pytest.mark.parametrize("given", [None, rq.job.Job, Job, "rq.job.Job"])
    def test_a_queue_may_be_told_the_classes_that_its_jobs_have(self, cluster: Cluster, given: type[Job]) -> None:
        assert Queue(cluster=cluster, job_class=given).job_class is Job

    def test_another_class_is_refused(self, cluster: Cluster) -> None:
        class Other(Job):
            pass

        with pytest.raises(TypeError, match="rq's job_class has no meaning here"):
            Queue(cluster=cluster, job_class=Other)
        with pytest.raises(TypeError, match="rq's death_penalty_class has no meaning here"):
            Queue(cluster=cluster, death_penalty_class=object)


class TestLooking:
    def test_a_part_of_what_is_ready_is_listed_and_has_places(self, queue: Queue, agent: FakeAgent) -> None:
        jobs = [queue.enqueue(unit_tasks.add, 1, number) for number in range(2)]
        ids = queue.job_ids

        assert sorted(ids) == sorted(job.id for job in jobs)
        assert [job.id for job in queue.get_jobs(1, 1)] == ids[1:]
        assert [queue.get_job_position(ids[1]), queue.get_job_position("none")] == [1, None]
        run(agent, ok)

    def test_queues_are_sorted_by_name_and_one_can_stand_for_a_list(self, cluster: Cluster, queue: Queue) -> None:
        first = Queue("a", cluster=cluster)

        assert sorted([queue, first]) == [first, queue]
        assert list(queue) == [queue]


class TestById:
    def test_a_job_is_canceled_and_another_requeued(self, queue: Queue, agent: FakeAgent) -> None:
        failed = queue.enqueue(unit_tasks.fail, "no")
        run(agent, failure)
        other = queue.enqueue(unit_tasks.add, 1, 2)

        cancel_job(other.id, queue.connection)
        again = requeue_job(failed.id, queue.connection)

        assert other.get_status() == JobStatus.CANCELED
        play_out(queue.cluster, agent)
        assert again.get_status() == JobStatus.FINISHED
