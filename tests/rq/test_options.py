"""What a call of `handoff.rq.Queue` may say, and that nothing of it is lost without a word."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import unit_tasks
from handoff.client.cluster import Cluster
from handoff.errors import InvalidFunction
from handoff.rq import Dependency, Job, JobStatus, Queue, Retry, job
from handoff.testing import ClusterHere
from support.agent import FakeAgent, exceeded, failure, ok
from support.submits import NOW_MS, run


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = NOW_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2, "memory": 1000}).register()


@pytest.fixture
def queue(cluster: Cluster, agent: FakeAgent) -> Queue:
    return Queue(connection=cluster.connection, cluster=cluster)


class TestOurs:
    @pytest.mark.parametrize(
        "submit",
        [
            lambda queue, **options: queue.enqueue(unit_tasks.fail, "no", **options),
            lambda queue, **options: queue.enqueue(unit_tasks.fail, args=("no",), **options),
            lambda queue, **options: queue.enqueue_call(unit_tasks.fail, ("no",), **options),
            lambda queue, **options: job(queue, **options)(unit_tasks.fail).enqueue("no"),
        ],
        ids=["enqueue", "args", "enqueue_call", "job"],
    )
    @pytest.mark.parametrize("option", ["retry_on", "dont_retry_on"])
    def test_what_it_is_tried_again_after_is_heeded_however_it_is_submitted(
        self, handoff_cluster: ClusterHere, monkeypatch: pytest.MonkeyPatch, submit: Callable[..., Job], option: str
    ) -> None:
        monkeypatch.setattr(unit_tasks.fail, "enqueue", None, raising=False)
        monkeypatch.setattr(unit_tasks.fail, "delay", None, raising=False)

        submitted = submit(Queue(), retry=Retry(max=1, interval=90), **{option: OSError})
        handoff_cluster.run_all()

        assert (submitted.args, submitted.kwargs) == (("no",), {})
        assert submitted.get_status() == (JobStatus.FAILED if option == "retry_on" else JobStatus.DEFERRED)

    def test_to_say_after_what_it_is_tried_again_asks_for_a_retry(self, queue: Queue) -> None:
        with pytest.raises(InvalidFunction, match=r"its retry_on .*: give it retry=Retry\(max=...\)"):
            queue.enqueue(unit_tasks.add, 1, 2, retry_on=OSError)

    def test_a_call_says_what_is_to_come_of_too_much_memory(self, queue: Queue, agent: FakeAgent) -> None:
        queue.enqueue(unit_tasks.add, 1, 2, cost={"memory": 300}, on_memory_exceeded="grow")

        assert run(agent, lambda id: exceeded(id, 400)) == ["retrying"]

    def test_a_call_has_a_priority_of_its_own(self, queue: Queue, agent: FakeAgent) -> None:
        whole = {"cpu": 2}
        jobs = [queue.enqueue(unit_tasks.add, 1, 2, cost=whole) for _ in range(2)]
        first = queue.enqueue(unit_tasks.add, 1, 2, cost=whole, priority=3)

        run(agent, ok)

        assert (first.get_status(), jobs[1].get_status()) == (JobStatus.QUEUED, JobStatus.DEFERRED)


class TestUnknown:
    @pytest.mark.parametrize(
        "submit",
        [
            lambda queue: queue.enqueue_call(unit_tasks.add, (1, 2), nonsense=1),
            lambda queue: queue.enqueue(unit_tasks.add, args=(1, 2), nonsense=1),
            lambda queue: job(queue, nonsense=1),
        ],
        ids=["enqueue_call", "args", "job"],
    )
    def test_what_is_no_option_is_refused_where_arguments_stand_apart(
        self, queue: Queue, submit: Callable[[Queue], object]
    ) -> None:
        with pytest.raises(InvalidFunction, match="nonsense= is no option of enqueue: leave it out"):
            submit(queue)

        assert queue.is_empty()

    def test_a_keyword_that_a_function_does_not_take_is_refused_and_the_option_meant_is_named(
        self, queue: Queue
    ) -> None:
        with pytest.raises(InvalidFunction, match=r"job_timeot= is neither .* did you mean job_timeout=\?"):
            queue.enqueue(unit_tasks.add, 1, 2, job_timeot=4)
        with pytest.raises(InvalidFunction, match=r"depend_on= is no option .* did you mean depends_on=\?"):
            queue.enqueue_call(unit_tasks.add, (1, 2), depend_on="x")

        assert queue.is_empty()

    def test_it_goes_to_a_function_that_is_given_by_its_name_or_takes_it(self, queue: Queue) -> None:
        assert queue.enqueue("unit_tasks.other", job_timeot=4).kwargs == {"job_timeot": 4}
        assert queue.enqueue(unit_tasks.note, value=4).kwargs == {"value": 4}

    def test_a_decorated_function_refuses_it_too(self, queue: Queue) -> None:
        def plain(number: int) -> int:
            return number

        with pytest.raises(InvalidFunction, match="colour= is neither"):
            job(queue)(plain).enqueue(1, colour=2)


class TestEnqueueCall:
    def test_its_options_come_by_position_in_the_order_of_rq(self, queue: Queue) -> None:
        submitted = queue.enqueue_call(unit_tasks.note, (), {"value": 1}, 30, 60, None, 90, "text", None, "the-id")

        assert (submitted.id, submitted.kwargs, submitted.timeout) == ("the-id", {"value": 1}, 30)
        assert (submitted.result_ttl, submitted.failure_ttl, submitted.description) == (60, 90, "text")

    def test_one_that_is_given_twice_is_refused(self, queue: Queue) -> None:
        with pytest.raises(TypeError, match="timeout"):
            queue.enqueue_call(unit_tasks.add, (1, 2), None, 30, timeout=40)


class TestJobDecorator:
    def test_it_makes_its_queue_of_the_class_it_is_told(self, cluster: Cluster, agent: FakeAgent) -> None:
        made = []

        class Other(Queue):
            def __init__(self, name: str, connection: object) -> None:
                super().__init__(name, cluster=cluster)
                made.append(self)

        def plain(number: int) -> int:
            return number

        decorated = job("mail", cluster.connection, 9, queue_class=Other)(plain)

        with pytest.raises(InvalidFunction):
            decorated.enqueue(1)
        assert [each.name for each in made] == ["mail"]


class TestGone:
    @pytest.mark.parametrize("allow_failure", [False, True])
    def test_a_call_does_not_wait_for_what_is_gone(self, queue: Queue, agent: FakeAgent, allow_failure: bool) -> None:
        gone = queue.enqueue(unit_tasks.add, 1, 2)
        run(agent, ok)
        gone.delete()

        depending = queue.enqueue(
            unit_tasks.add, 3, 4, depends_on=Dependency([gone, "never"], allow_failure=allow_failure)
        )

        assert depending.get_status() == JobStatus.QUEUED

    def test_it_waits_for_what_is_left(self, queue: Queue, agent: FakeAgent) -> None:
        there = queue.enqueue(unit_tasks.fail, "no")
        allowing = queue.enqueue(
            unit_tasks.add, 3, 4, depends_on=Dependency(["never", there, "nor-this"], allow_failure=True)
        )
        strict = queue.enqueue(unit_tasks.add, 3, 4, depends_on=["never", there])
        assert allowing.get_status() == strict.get_status() == JobStatus.DEFERRED

        run(agent, failure)

        assert (allowing.get_status(), strict.get_status()) == (JobStatus.QUEUED, JobStatus.DEFERRED)

    def test_many_go_on_without_what_is_gone_too(self, queue: Queue) -> None:
        (job,) = queue.enqueue_many([Queue.prepare_data(unit_tasks.add, (1, 2), depends_on="never")])

        assert job.get_status() == JobStatus.QUEUED
