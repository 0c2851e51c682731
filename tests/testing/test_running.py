"""Functions run in the test's process, in the order of the real system and with its capacity."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest
from rq.timeouts import JobTimeoutException

import handoff
import handoff.errors
import unit_tasks
from handoff import DAG, Function
from handoff.testing import ClusterHere, NothingRuns, cluster


def test_a_submitted_function_runs_when_it_is_told_to(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.add, 1, 2)
    assert handle.status == "queued"

    assert handoff_cluster.run_all() == 1

    assert (handle.status, handle.result(), handle.attempts) == ("finished", 3, 1)


def test_who_waits_for_a_result_has_it_run(handoff_cluster: ClusterHere) -> None:
    assert handoff_cluster.enqueue(unit_tasks.add, 1, 2).result() == 3


def test_a_result_that_cannot_come_is_told_at_once_and_not_waited_for(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.add, 1, 2, cost={"gpu": 1})

    with pytest.raises(NothingRuns, match=rf"unit_tasks\.add \({handle.id}\) waits for gpu 1: .* add a node"):
        handle.result()
    assert issubclass(NothingRuns, TimeoutError)


def test_of_a_run_that_cannot_end_it_is_told_what_that_waits_for(handoff_cluster: ClusterHere) -> None:
    dag = DAG("sum").add(Function("one", unit_tasks.note, extra_args=(1,), cost={"gpu": 1}))
    dag.add(Function("two", unit_tasks.add, args=("one",), extra_args=(2,)))

    with pytest.raises(NothingRuns, match=r"unit_tasks\.note \(one\) waits for gpu 1"):
        handoff_cluster.submit_dag(dag).result()


def test_of_many_that_are_waited_for_a_few_are_told(handoff_cluster: ClusterHere) -> None:
    handles = [handoff_cluster.enqueue(unit_tasks.add, 1, 2, cost={"gpu": 1}) for _ in range(5)]

    with pytest.raises(NothingRuns, match="and 2 more"):
        handoff_cluster.gather(handles)


@pytest.mark.handoff(nodes={"a": {"cpu": 2}})
def test_no_more_is_started_than_fits(handoff_cluster: ClusterHere) -> None:
    handles = [handoff_cluster.enqueue(unit_tasks.note, number, cost={"cpu": 1}) for number in range(4)]

    handoff_cluster.run_next()

    assert [handle.status for handle in handles] == ["finished", "started", "started", "waiting"]
    assert unit_tasks.calls == [0]


@pytest.mark.handoff(nodes={"a": {"cpu": 1}, "b": {"cpu": 1}})
def test_what_starts_first_runs_first_and_larger_priorities_go_before(handoff_cluster: ClusterHere) -> None:
    for number in range(4):
        handoff_cluster.enqueue(unit_tasks.note, number, cost={"cpu": 1})
    handoff_cluster.enqueue(unit_tasks.note, "urgent", cost={"cpu": 1}, priority=1)

    assert handoff_cluster.run_all() == 5

    assert unit_tasks.calls == [0, 1, "urgent", 2, 3]


def test_run_next_runs_one_and_gives_its_handle(handoff_cluster: ClusterHere) -> None:
    first, second = (handoff_cluster.enqueue(unit_tasks.note, number) for number in range(2))

    ran = handoff_cluster.run_next()

    assert ran is not None
    assert (ran.id, unit_tasks.calls, second.status) == (first.id, [0], "started")
    assert handoff_cluster.run_all() == 1
    assert handoff_cluster.run_next() is None


def test_what_a_function_enqueues_runs_too(handoff_cluster: ClusterHere) -> None:
    ids = handoff_cluster.enqueue(unit_tasks.fan, 3).result()

    assert handoff_cluster.run_all() == 3
    assert [handoff_cluster.handle(id).result() for id in ids] == [0, 1, 2]


def test_a_function_that_waits_for_another_has_it_run(handoff_cluster: ClusterHere) -> None:
    assert handoff_cluster.enqueue(unit_tasks.ask_another, 1).result() == 2


@pytest.mark.handoff(nodes={"a": {"cpu": 1}})
def test_a_function_that_waits_for_one_that_has_no_room_beside_it_is_told_so(handoff_cluster: ClusterHere) -> None:
    with cluster(nodes={"a": {"slots": 1}}) as one_slot:
        handle = one_slot.enqueue(unit_tasks.ask_another, 1)
        one_slot.run_all()

        with pytest.raises(handoff.FunctionFailed, match="NothingRuns"):
            handle.result()


def test_functions_that_enqueue_each_other_for_ever_are_told(
    handoff_cluster: ClusterHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handoff.testing.here.MOST_AT_ONCE", 20)
    handoff_cluster.enqueue(unit_tasks.again)

    with pytest.raises(RuntimeError, match="enqueue each other"):
        handoff_cluster.run_all()


def test_a_graph_runs_as_far_as_its_results_go(handoff_cluster: ClusterHere) -> None:
    dag = DAG("sum").add(Function("one", unit_tasks.note, extra_args=(1,)))
    dag.add(Function("two", unit_tasks.add, args=("one",), extra_args=(2,)))

    result = handoff_cluster.execute(dag)

    assert (result.results, result.allocations) == ({"one": 1, "two": 3}, {"one": "node", "two": "node"})


def test_an_async_function_is_run(handoff_cluster: ClusterHere) -> None:
    assert handoff_cluster.enqueue(unit_tasks.double, 4).result() == 8


def test_exceptions_are_kept_as_failures(handoff_cluster: ClusterHere) -> None:
    failed, left = handoff_cluster.enqueue(unit_tasks.fail, "no"), handoff_cluster.enqueue(unit_tasks.leave, 3)

    assert handoff_cluster.run_all() == 2

    with pytest.raises(handoff.FunctionFailed, match="ValueError: no"):
        failed.result()
    with pytest.raises(handoff.FunctionFailed, match="SystemExit"):
        left.result()


def test_the_first_exception_is_raised_on_request_once_it_is_noted(handoff_cluster: ClusterHere) -> None:
    failed = handoff_cluster.enqueue(unit_tasks.fail, "first")
    handoff_cluster.enqueue(unit_tasks.fail, "second")

    with pytest.raises(ValueError, match="first"):
        handoff_cluster.run_all(raise_first=True)

    assert (failed.status, unit_tasks.calls) == ("failed", ["first"])


def test_callbacks_run_with_the_job_as_rq_gives_it(handoff_cluster: ClusterHere) -> None:
    good = handoff_cluster.enqueue(unit_tasks.add, 1, 2, on_success=unit_tasks.noted)
    bad = handoff_cluster.enqueue(unit_tasks.fail, "no", on_failure=unit_tasks.told)

    handoff_cluster.run_all()

    assert unit_tasks.calls == [("succeeded", good.id, 3), "no", ("failed", bad.id, "no")]


@pytest.mark.handoff(nodes={"a": {"cpu": 2, "gpu": 2}})
def test_a_function_finds_its_node_and_devices_and_leaves_no_variable_behind(handoff_cluster: ClusterHere) -> None:
    before = dict(os.environ)

    found: Mapping[str, object] = handoff_cluster.enqueue(unit_tasks.surroundings, cost={"gpu": 1}).result()

    assert found == {"node": "a", "devices": {"gpu": [0]}, "cuda": "0"}
    assert dict(os.environ) == before


def test_one_that_is_canceled_before_its_turn_does_not_run(handoff_cluster: ClusterHere) -> None:
    first, second = (handoff_cluster.enqueue(unit_tasks.note, number) for number in range(2))
    handoff_cluster.run_next()
    assert (first.status, second.status) == ("finished", "started")

    assert second.cancel()
    assert handoff_cluster.run_all() == 0

    assert (second.status, unit_tasks.calls) == ("canceled", [0])


def test_one_that_another_function_cancels_does_not_run(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.enqueue(unit_tasks.cancel, "b")
    handoff_cluster.enqueue(unit_tasks.note, "b", job_id="b")

    handoff_cluster.run_all()

    assert (handoff_cluster.handle("b").status, unit_tasks.calls) == ("canceled", [])


def test_a_limit_of_time_is_not_enforced_but_can_be_played(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.fail_next(unit_tasks.add, JobTimeoutException)
    timed_out = handoff_cluster.enqueue(unit_tasks.add, 1, 2, timeout=1)
    fine = handoff_cluster.enqueue(unit_tasks.add, 1, 2, timeout=1)

    handoff_cluster.run_all()

    assert (timed_out.status, fine.status) == ("failed", "finished")


def test_errors_are_played_as_often_as_asked_for(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.fail_next(unit_tasks.note, OSError("disk"), times=2)
    handle = handoff_cluster.enqueue(unit_tasks.note, 1, max_retries=2)

    for _ in range(3):
        handoff_cluster.run_all()
        handoff_cluster.advance(120)
    handoff_cluster.run_all()

    assert (handle.result(), handle.attempts, unit_tasks.calls) == (1, 3, [1])


@pytest.mark.parametrize(
    ("fn", "error", "times", "raised"),
    [
        (unit_tasks.note, "boom", 1, TypeError),
        (unit_tasks.note, int, 1, TypeError),
        (unit_tasks.note, OSError, 0, ValueError),
        ("unit_tasks:nota", OSError, 1, handoff.errors.InvalidFunction),
    ],
)
def test_what_cannot_be_raised_is_refused_at_once(
    handoff_cluster: ClusterHere, fn: Any, error: Any, times: int, raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        handoff_cluster.fail_next(fn, error, times)


def test_who_asks_for_the_result_of_what_was_deleted_is_told_so(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1)
    handle.job.delete()

    with pytest.raises(handoff.UnknownFunction):
        handle.result()


def test_who_asks_for_the_result_of_what_was_canceled_is_told_so(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.note, 1)
    handle.cancel()

    with pytest.raises(handoff.FunctionCanceled):
        handle.result()


def test_what_comes_of_a_function_that_has_its_node_lost_is_refused(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.lose, "node", max_retries=1)

    assert handoff_cluster.run_all() == 1
    assert (handle.status, handle.attempts) == ("delayed", 1)

    handoff_cluster.add_node("other", {"cpu": 1})
    handoff_cluster.advance(2)
    assert (handle.result(), handle.node, handle.attempts) == ("lost", "other", 2)
