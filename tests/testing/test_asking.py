"""Asking what was enqueued; and a failure that shows what was there instead."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import pytest
import rq

import unit_tasks
from handoff import DAG, Cluster, Function
from handoff.errors import InvalidFunction
from handoff.testing import ClusterHere


def test_what_was_enqueued_is_found_whatever_has_become_of_it(handoff_cluster: ClusterHere) -> None:
    handle = handoff_cluster.enqueue(unit_tasks.add, 1, b=2, cost={"cpu": 0.5}, where={"zone": "a"})

    for _ in range(2):
        [found] = handoff_cluster.assert_enqueued(
            unit_tasks.add, args=(1,), kwargs={"b": 2}, cost={"cpu": 0.5}, where={"zone": "a"}, count=1
        )
        assert found.id == handle.id
        handle.cancel()


def test_what_was_replaced_and_what_took_its_place_are_both_found(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.enqueue(unit_tasks.add, 1, 2, job_id="order").cancel()
    handoff_cluster.assert_enqueued(unit_tasks.add, args=(1, 2))

    handoff_cluster.enqueue(unit_tasks.add, 1, 3, job_id="order", replace=True)

    handoff_cluster.assert_enqueued(unit_tasks.add, args=(1, 3), count=1)
    assert [each.args for each in handoff_cluster.submitted] == [(1, 2), (1, 3)]


@pytest.mark.parametrize(
    "asked",
    [
        {"args": (2, 2)},
        {"kwargs": {"b": 1}},
        {"cost": {"cpu": 1}},
        {"where": {"zone": "b"}},
        {"node": "x"},
        {"count": 2},
        {"priority": 1},
        {"max_retries": 1},
        {"job_timeout": 5},
        {"unique": "k"},
        {"delay": 60},
        {"at": datetime(2030, 1, 1, tzinfo=UTC)},
        {"meta": {"user": 1}},
        {"job_id": "b"},
    ],
)
def test_what_is_otherwise_in_one_point_is_not_found(handoff_cluster: ClusterHere, asked: dict[str, Any]) -> None:
    handoff_cluster.enqueue(unit_tasks.add, 1, 2, cost={"cpu": 0.5}, where={"zone": "a"}, job_id="a")

    handoff_cluster.assert_enqueued(unit_tasks.add)
    with pytest.raises(AssertionError, match="not enqueued"):
        handoff_cluster.assert_enqueued(unit_tasks.add, **asked)


def test_what_else_was_asked_for_is_found(handoff_cluster: ClusterHere) -> None:
    options: dict[str, Any] = {"priority": -3, "max_retries": 2, "job_timeout": 5, "unique": "k", "meta": {"user": 1}}
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    handoff_cluster.enqueue(unit_tasks.note, 1, delay=60, **options)
    handoff_cluster.enqueue(unit_tasks.note, 2, at=at)
    dag = DAG("g").add(Function("x", unit_tasks.note, extra_args=(3,), delay=30, priority=7))
    handoff_cluster.submit_dag(dag)
    handoff_cluster.advance(100)
    handoff_cluster.run_all()

    handoff_cluster.assert_enqueued(unit_tasks.note, args=(1,), delay=60, **options)
    handoff_cluster.assert_enqueued(unit_tasks.note, args=(2,), at=at, priority=0, max_retries=0, unique=None)
    handoff_cluster.assert_enqueued(unit_tasks.note, args=(3,), delay=30, priority=7)


@pytest.mark.parametrize(
    "asked",
    [
        {"args": (1, 2)},
        {"args": [1], "kwargs": {"b": 2}},
        {"args": (1,)},
        {"kwargs": {"a": 1, "b": 2}},
        {"args": (1, 2), "kwargs": {}},
        {"args": (1, ANY)},
    ],
)
def test_which_arguments_were_given_by_name_makes_no_difference(
    handoff_cluster: ClusterHere, asked: dict[str, Any]
) -> None:
    handoff_cluster.enqueue(unit_tasks.add, 1, b=2)

    handoff_cluster.assert_enqueued(unit_tasks.add, **asked)
    handoff_cluster.assert_enqueued("unit_tasks:add", **asked)


@pytest.mark.parametrize("asked", [{"args": (2,)}, {"kwargs": {"b": 3}}, {"kwargs": {}}, {"args": (1, 2, 3)}])
def test_other_arguments_are_others_however_they_were_given(
    handoff_cluster: ClusterHere, asked: dict[str, Any]
) -> None:
    handoff_cluster.enqueue(unit_tasks.add, 1, b=2)

    handoff_cluster.refute_enqueued(unit_tasks.add, **asked)


@pytest.mark.parametrize(
    ("asked", "error", "said"),
    [
        ({"args": "abc"}, TypeError, "give all of the positional arguments"),
        ({"kwargs": ["a"]}, TypeError, "give a mapping"),
        ({"prioriti": 1}, TypeError, "did you mean priority="),
        ({"fn": "unit_tasks:ad"}, InvalidFunction, "has no 'ad'.*did you mean add"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(
    handoff_cluster: ClusterHere, asked: dict[str, Any], error: type[Exception], said: str
) -> None:
    asked = {"fn": unit_tasks.add, **asked}

    with pytest.raises(error, match=said):
        handoff_cluster.refute_enqueued(**asked)


def test_code_that_only_nodes_have_is_asked_for_by_its_name(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.enqueue("of_the_nodes:render", 1)

    handoff_cluster.assert_enqueued("of_the_nodes:render", args=(1,))


def test_who_takes_the_pin_for_the_place_is_told(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.enqueue(unit_tasks.add, 1, 2)

    with pytest.raises(AssertionError, match="node= is the pin: the nearest was placed on node"):
        handoff_cluster.assert_enqueued(unit_tasks.add, node="node")


def test_what_was_submitted_shows_amounts_as_they_were_written(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.enqueue(unit_tasks.add, 1, 2, cost={"cpu": 0.5})

    [found] = handoff_cluster.submitted

    assert found.costs == [{"cpu": 0.5}]
    assert "costs=[{'cpu': 0.5}]" in repr(found)


def test_anything_may_stand_for_what_does_not_matter(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.enqueue(unit_tasks.add, 1, 2)

    handoff_cluster.assert_enqueued(unit_tasks.add, args=(1, ANY))


def test_a_failure_shows_the_nearest_first_and_what_is_otherwise(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.enqueue(unit_tasks.note, "other")
    handoff_cluster.enqueue(unit_tasks.add, 1, 2, cost={"cpu": 1})

    with pytest.raises(AssertionError) as failure:
        handoff_cluster.assert_enqueued(unit_tasks.add, args=(1, 3), cost={"cpu": 1})

    lines = str(failure.value).splitlines()
    assert lines[0].startswith("not enqueued: unit_tasks.add with args (1, 3), cost {'cpu': 1}; what was")
    assert lines[1:] == [
        "  unit_tasks.add(1, 2)  [cost {'cpu': 1}]  <- other args",
        "  unit_tasks.note('other')  <- other function, args, cost",
    ]


def test_a_failure_says_when_nothing_was_enqueued(handoff_cluster: ClusterHere) -> None:
    with pytest.raises(AssertionError, match="nothing was enqueued"):
        handoff_cluster.assert_enqueued(unit_tasks.add)


def test_refuting_fails_and_shows_what_was_enqueued(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.enqueue(unit_tasks.add, 1, 2)

    handoff_cluster.refute_enqueued(unit_tasks.add, args=(2, 2))
    with pytest.raises(AssertionError, match=r"unit_tasks\.add\(1, 2\)"):
        handoff_cluster.refute_enqueued(unit_tasks.add)


def test_all_that_was_submitted_is_listed_in_order_whoever_did_it(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.enqueue(unit_tasks.note, 1)
    Cluster(connection=handoff_cluster.connection).enqueue(unit_tasks.note, 2)
    handoff_cluster.submit_dag(
        DAG("g")
        .add(Function("x", unit_tasks.note, extra_args=(3,)))
        .add(Function("y", unit_tasks.add, args=("x", "x")))
    )

    assert [str(each) for each in handoff_cluster.submitted] == [
        "unit_tasks.note(1)", "unit_tasks.note(2)", "unit_tasks.note(3)", "unit_tasks.add()",
    ]  # fmt: skip
    assert [each.function_id for each in handoff_cluster.submitted][2:] == ["x", "y"]


def test_what_another_thread_enqueues_is_waited_for(handoff_cluster: ClusterHere) -> None:
    asked = threading.Event()

    def enqueue() -> None:
        asked.wait()
        handoff_cluster.enqueue(unit_tasks.note, 1)

    thread = threading.Thread(target=enqueue)
    thread.start()
    asked.set()

    handoff_cluster.assert_enqueued(unit_tasks.note, timeout=60)
    thread.join()


def test_a_clean_cluster_is_one_where_all_has_ended(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.assert_clean()
    handle = handoff_cluster.enqueue(unit_tasks.note, 1)
    with pytest.raises(AssertionError, match="is queued"):
        handoff_cluster.assert_clean()

    handle.result()

    handoff_cluster.assert_clean()


def test_a_claim_that_is_not_released_is_not_clean(handoff_cluster: ClusterHere) -> None:
    held = handoff_cluster.tracker.request("node", {"cpu": 1})
    with pytest.raises(AssertionError, match=r"of node node is held \{'cpu': 1\}"):
        handoff_cluster.assert_clean()

    handoff_cluster.tracker.release(held)

    handoff_cluster.assert_clean()


def test_books_that_do_not_balance_are_not_clean(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.connection.set(handoff_cluster.store.keys("label", "nobody=knows"), b"1")

    with pytest.raises(AssertionError, match="label"):
        handoff_cluster.assert_clean()


def test_a_job_of_rqs_own_queues_is_not_ours(handoff_cluster: ClusterHere) -> None:
    rq.Queue("elsewhere", connection=handoff_cluster.connection).enqueue(unit_tasks.add, 1, 2)

    assert handoff_cluster.submitted == []


def test_an_error_that_was_never_raised_is_not_clean(handoff_cluster: ClusterHere) -> None:
    handoff_cluster.fail_next(unit_tasks.note, OSError, times=2)
    handoff_cluster.enqueue(unit_tasks.note, 1)
    handoff_cluster.run_all()

    with pytest.raises(AssertionError, match=r"fail_next\(unit_tasks\.note\) has 1 more to raise"):
        handoff_cluster.assert_clean()
