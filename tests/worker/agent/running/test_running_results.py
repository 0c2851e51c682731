"""What comes back from a function where it ran, and what is told of it meanwhile and afterwards."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import agent_tasks
from handoff import Cluster, Function, FunctionFailed
from support.events import await_event
from support.gate import Gate
from support.results import told
from support.waiting import LIMIT_S

pytestmark = pytest.mark.slow

EVERY_KIND = [
    None, True, -1, 2**200, 0.1, float("inf"), "ä\U0001f600", b"\x00\xff", [1, [2]], (1, ("b",)), {1: "a", (2,): None},
    {1, 2}, frozenset({"x"}), datetime(2026, 1, 31, 12, 0, 0, 7, ZoneInfo("Europe/Vienna")), datetime(2026, 1, 31),
    datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=timezone(timedelta(hours=2))), date(2026, 1, 31),
    time(1, 2, 3), timedelta(days=-1, microseconds=3), Decimal("1.10"), UUID(int=7), 1 + 2j, PurePosixPath("/a/b"),
]  # fmt: skip


def test_every_serializable_value_comes_back_as_it_went(cluster: Cluster) -> None:
    returned = cluster.enqueue(agent_tasks.echo, EVERY_KIND).result(LIMIT_S)

    assert returned == EVERY_KIND
    assert [type(value) for value in returned] == [type(value) for value in EVERY_KIND]


def test_an_array_comes_back_with_its_shape_and_type(cluster: Cluster) -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.arange(6, dtype="float32").reshape(2, 3)

    returned = cluster.enqueue(agent_tasks.echo, array).result(LIMIT_S)

    assert (returned == array).all()
    assert (returned.shape, returned.dtype) == (array.shape, array.dtype)


def test_a_coroutine_function_is_run_to_its_end(cluster: Cluster) -> None:
    assert cluster.enqueue(agent_tasks.echo_later, 7).result(LIMIT_S) == 7


def test_a_failure_tells_its_exception_where_it_was_raised_and_where_it_ran(cluster: Cluster) -> None:
    handle = cluster.submit(Function("refuse", agent_tasks.fail, extra_args=["no room"], node="b"))

    with pytest.raises(FunctionFailed) as caught:
        handle.result(LIMIT_S)

    error = caught.value
    assert (error.function_id, error.node, error.attempts) == ("refuse", "b", 1)
    assert (error.exception_type, error.message) == ("agent_tasks.Refused", "no room")
    assert "in fail\n    raise Refused(text)" in error.traceback
    result = handle.job.latest_result()
    assert result is not None
    assert result.exc_string == error.traceback


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("agent_tasks:unserializable", "handoff.errors.NotSerializable", "holds an object"),
        ("agent_missing:run", "ModuleNotFoundError", "No module named 'agent_missing'"),
        ("agent_tasks:missing", "ImportError", "cannot import name 'missing' from 'agent_tasks'"),
    ],
    ids=["a result that cannot be serialized", "a module that the node lacks", "a name that the module lacks"],
)
def test_what_would_fail_again_the_same_way_is_not_retried(
    cluster: Cluster, code: str, error: str, message: str
) -> None:
    handle = cluster.enqueue(code, max_retries=3)

    with pytest.raises(FunctionFailed) as caught:
        handle.result(LIMIT_S)

    assert (caught.value.exception_type, caught.value.attempts) == (error, 1)
    assert message in caught.value.message


# The job, as a function sees it.


def test_a_function_sees_its_own_job(cluster: Cluster) -> None:
    handle = cluster.enqueue(agent_tasks.about_my_job, node="b", meta={"user": 7})

    assert handle.result(LIMIT_S) == {
        "id": handle.id,
        "meta": {"user": 7},
        "worker": "running.b",
        "status": "started",
    }


def test_meta_that_a_function_saves_is_seen_while_it_runs_and_afterwards(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate_and_save_meta, gate.folder, node="a", meta={"user": 7})
    gate.arrival()
    during = handle.job.meta

    gate.open("a")
    handle.result(LIMIT_S)

    assert during == {"user": 7, "progress": 1}
    assert handle.job.meta == {"user": 7, "progress": 2}


def test_on_success_is_told_the_result(cluster: Cluster) -> None:
    handle = cluster.enqueue(agent_tasks.echo, 7, node="b", on_success=agent_tasks.tell_result)

    assert handle.result(LIMIT_S) == 7
    assert told(cluster, handle) == "b: 7"


def test_on_failure_is_told_once_and_in_a_child_of_the_node_when_no_retry_is_left(cluster: Cluster) -> None:
    nursery = cluster.enqueue(agent_tasks.parent, node="b").result(LIMIT_S)
    handle = cluster.enqueue(agent_tasks.fail, "no", node="b", max_retries=1, on_failure=agent_tasks.tell_failure)
    await_event(cluster, event="delayed", job=handle.id)
    before = cluster.connection.llen(f"told:{handle.id}")

    with pytest.raises(FunctionFailed) as caught:
        handle.result(LIMIT_S)

    assert caught.value.attempts == 2
    assert told(cluster, handle) == f"b: Refused no in a child of {nursery}"
    assert before == 0
    assert cluster.connection.llen(f"told:{handle.id}") == 0


def test_on_failure_is_not_told_of_a_success(cluster: Cluster) -> None:
    handle = cluster.enqueue(
        agent_tasks.fail_once, 7, node="b", max_retries=1,
        on_success=agent_tasks.tell_result, on_failure=agent_tasks.tell_failure,
    )  # fmt: skip

    assert handle.result(LIMIT_S) == 7
    assert handle.attempts == 2
    assert told(cluster, handle) == "b: 7"
    assert cluster.connection.llen(f"told:{handle.id}") == 0
