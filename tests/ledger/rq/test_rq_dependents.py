"""Jobs on RQ's own queues that depend on functions start when RQ would start them, whoever ended the functions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import pytest
import redis
from rq import Queue
from rq.job import Dependency, Job, JobStatus

import unit_tasks
from handoff.client.cluster import Cluster
from handoff.ledger.dependents import Dependents
from handoff.testing import ClusterHere
from support.agent import FakeAgent, failure, killed, ok
from support.rq_states import to_finished, to_queued, to_started


@pytest.fixture
def theirs_own(cluster: Cluster, theirs: redis.Redis) -> Queue:
    """A queue of RQ's own, which is gone afterwards."""
    return Queue(f"mail-{cluster.namespace}", connection=theirs)


def depending(queue: Queue, *dependencies: Any, **options: Any) -> Job:
    on = dependencies[0] if isinstance(dependencies[0], Dependency) else list(dependencies)
    return queue.enqueue(operator.add, 1, 1, depends_on=on, **options)


def walk(cluster: Cluster) -> None:
    """As many goes as it takes to come by all queues, of other tests too."""
    dependents = Dependents(cluster.store)
    dependents.go_on()
    while dependents._left:
        dependents.go_on()


def status(job: Job) -> str:
    return str(job.get_status(refresh=True).value)


def test_it_waits_while_the_function_runs_and_starts_when_that_has_finished(
    cluster: Cluster, agent: FakeAgent, theirs_own: Queue
) -> None:
    handle = to_started(cluster, agent)
    job = depending(theirs_own, handle.job, meta={"pickled": {1}})
    walk(cluster)
    assert (status(job), theirs_own.job_ids) == ("deferred", [])

    agent.finish(*(ok(id) for id in agent.runs))
    walk(cluster)

    assert (status(job), theirs_own.job_ids) == ("queued", [job.id])
    assert theirs_own.deferred_job_registry.count == 0
    released = Job.fetch(job.id, connection=theirs_own.connection)
    assert (released.meta, released.args) == ({"pickled": {1}}, (1, 1))
    walk(cluster)
    assert theirs_own.job_ids == [job.id]


@pytest.mark.parametrize(
    ("end", "allows", "expected"),
    [
        (failure, False, "deferred"), (failure, True, "queued"), (killed, True, "deferred"), (None, True, "deferred"),
    ],
    ids=["failed", "failed, which is allowed", "stopped", "canceled"],
)  # fmt: skip
def test_of_what_has_not_finished_only_a_failure_that_is_allowed_lets_it_start(
    cluster: Cluster, agent: FakeAgent, theirs_own: Queue, end: Callable[[str], Any] | None, allows: bool, expected: str
) -> None:
    handle = to_queued(cluster, agent)
    job = depending(theirs_own, Dependency([handle.job], allow_failure=allows))

    if end is None:
        handle.cancel()
    else:
        agent.finish(*(end(started.id) for started in agent.take()))
    walk(cluster)

    assert status(job) == expected


def test_it_waits_for_all_of_its_dependencies(cluster: Cluster, agent: FakeAgent, theirs_own: Queue) -> None:
    handle, own = to_started(cluster, agent), theirs_own.enqueue(operator.add, 1, 1)
    job = depending(theirs_own, handle.job, own)
    agent.finish(*(ok(id) for id in agent.runs))
    walk(cluster)
    assert status(job) == "deferred"

    own.set_status(JobStatus.FINISHED)
    walk(cluster)

    assert status(job) == "queued"


def test_a_queue_of_ours_is_left_to_the_scripts(cluster: Cluster, agent: FakeAgent, theirs_own: Queue) -> None:
    to_finished(cluster, agent)

    walk(cluster)

    assert theirs_own.job_ids == []


def test_the_agents_of_a_unit_test_release_it_too(handoff_cluster: ClusterHere) -> None:
    mail = Queue("mail", connection=handoff_cluster.connection)
    handle = handoff_cluster.enqueue(unit_tasks.add, 1, 2)
    job = depending(mail, handle.job)

    handoff_cluster.run_all()

    assert (status(job), mail.job_ids) == ("queued", [job.id])
