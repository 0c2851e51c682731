"""Queues whose functions run in the process that enqueues them, as rq's do with `is_async=False`."""

from __future__ import annotations

from datetime import timedelta

import fakeredis
import pytest

import handoff
import unit_tasks
from handoff.rq import Callback, Dependency, Job, JobStatus, Queue, Retry, job
from handoff.testing import ClusterHere


@pytest.fixture
def queue() -> Queue:
    return Queue(is_async=False, connection=fakeredis.FakeStrictRedis(server=fakeredis.FakeServer()))


def test_a_call_has_ended_when_it_is_enqueued_whatever_it_costs(queue: Queue) -> None:
    added = queue.enqueue(unit_tasks.add, 1, b=2, cost={"gpu": 64}, node="elsewhere")

    assert (added.get_status(), added.return_value()) == (JobStatus.FINISHED, 3)
    assert added.ended_at is not None


def test_one_that_fails_keeps_its_error(queue: Queue) -> None:
    failed = queue.enqueue(unit_tasks.fail, "no", retry=Retry(max=1))

    assert failed.get_status() == JobStatus.FAILED
    ended = failed.latest_result()
    assert ended is not None
    assert "ValueError: no" in str(ended.exc_string)


def test_nothing_is_kept_where_that_is_asked_for(queue: Queue) -> None:
    gone = queue.enqueue(unit_tasks.add, 1, 2, result_ttl=0)

    assert (gone.func_name, queue.fetch_job(gone.id)) == ("add", None)


def test_what_depends_on_it_runs_too_and_what_is_scheduled_does_not(queue: Queue) -> None:
    first = queue.enqueue(unit_tasks.fail, "no")
    second = queue.enqueue(unit_tasks.add, 1, 2, depends_on=Dependency(first, allow_failure=True))
    later = queue.enqueue_in(timedelta(hours=1), unit_tasks.add, 1, 2)

    assert (second.return_value(), later in queue.scheduled_job_registry) == (3, True)


def test_a_queue_without_a_connection_is_that_of_the_unit_test(handoff_cluster: ClusterHere) -> None:
    added = Queue().enqueue(unit_tasks.add, 1, 2, cost={"cpu": 1})
    assert added.get_status() == JobStatus.QUEUED

    handoff_cluster.run_all()

    assert added.return_value() == 3
    handoff_cluster.assert_enqueued(unit_tasks.add, args=(1, 2), cost={"cpu": 1})


def test_callbacks_of_a_call_run_with_what_rq_gives_them(
    handoff_cluster: ClusterHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, object]] = []
    monkeypatch.setattr(unit_tasks, "noted", lambda job, _, result: heard.append((job.id, result)))
    monkeypatch.setattr(unit_tasks, "told", lambda job, _, kind, *__: heard.append((job.id, kind)))
    both = {"on_success": Callback("unit_tasks.noted"), "on_failure": Callback("unit_tasks.told")}

    Queue().enqueue(unit_tasks.add, 1, 2, job_id="right", **both)
    Queue().enqueue(unit_tasks.fail, "no", job_id="wrong", **both)
    handoff_cluster.run_all()

    assert sorted(heard, key=lambda each: each[0]) == [("right", 3), ("wrong", ValueError)]


class TestDecorator:
    def test_a_function_is_submitted_by_its_own_name_and_can_be_called_as_ever(
        self, handoff_cluster: ClusterHere, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = job("default", timeout=7, result_ttl=60, meta={"a": 1}, retry=Retry(max=1), cost={"cpu": 2})(_double)
        monkeypatch.setitem(globals(), "_double", made)

        first = made.enqueue(2)
        second = made.delay(3, depends_on=first, job_id="second")
        handoff_cluster.run_all()

        assert made(4) == 8
        assert (first.timeout, first.result_ttl, first.meta, first.return_value()) == (7, 60, {"a": 1}, 4)
        assert (second.id, second.return_value()) == ("second", 6)
        assert handoff_cluster.submitted[0].max_retries == 1

    def test_it_takes_a_queue_as_well(self, handoff_cluster: ClusterHere) -> None:
        enqueued = job(Queue(cost={"cpu": 3}))(_triple).enqueue(1)

        assert isinstance(enqueued, Job)
        assert handoff_cluster.submitted[0].costs == [{"cpu": 3}]


def _double(number: int) -> int:
    return 2 * number


def _triple(number: int) -> int:
    return 3 * number


def test_the_default_cluster_is_asked_for_when_it_is_needed() -> None:
    queue = Queue()
    with handoff.testing.cluster() as cluster:
        assert queue.cluster is cluster
