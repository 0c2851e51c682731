"""Functions that take too long, die, fail and try again, or are canceled in whatever state they are."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile

import pytest
from rq.suspension import resume, suspend

import agent_tasks
import graph_steps
from child_tasks import alive
from handoff import Cluster, FunctionCanceled, FunctionFailed, Handle
from support import need_redis_server
from support.books import assert_nothing_held, check_books
from support.events import await_event, newest
from support.gate import Gate
from support.local import local_cluster
from support.waiting import LIMIT_S, wait_until


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    need_redis_server()
    with local_cluster({"a": {"cpu": 2, "gpu": 1}}, namespace="failures") as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Iterator[Cluster]:
    yield shared
    check_books(shared.store)
    assert_nothing_held(shared.store)


def failure(handle: Handle) -> FunctionFailed:
    with pytest.raises(FunctionFailed) as caught:
        handle.result(LIMIT_S)
    return caught.value


@contextmanager
def suspended(cluster: Cluster) -> Iterator[None]:
    """Nothing is started meanwhile."""
    suspend(cluster.connection)
    try:
        yield
    finally:
        resume(cluster.connection)


def assert_canceled(handle: Handle) -> None:
    with pytest.raises(FunctionCanceled):
        handle.result(LIMIT_S)
    assert handle.status == "canceled"


# Limits of time.


def test_a_function_past_its_limit_gets_an_exception_that_it_can_clean_up_after(cluster: Cluster) -> None:
    handle = cluster.enqueue(agent_tasks.be_limited, "told:limited", timeout=1)

    error = failure(handle)

    assert error.exception_type == "rq.timeouts.JobTimeoutException"
    assert "in be_limited" in error.traceback
    assert cluster.connection.lrange("told:limited", 0, -1) == [b"raised", b"cleaned up"]


@pytest.mark.slow
def test_a_function_that_does_not_end_after_its_limit_is_killed(cluster: Cluster) -> None:
    handle = cluster.enqueue(agent_tasks.be_deaf, timeout=1)

    error = failure(handle)

    assert error.exception_type == "rq.timeouts.JobTimeoutException"
    assert error.message == "did not end within 1 seconds and 5 more, so its process was killed"


def test_a_function_that_took_too_long_is_retried(cluster: Cluster) -> None:
    handle = cluster.enqueue(agent_tasks.be_limited, "told:retried", timeout=1, max_retries=9)

    await_event(cluster, event="delayed", job=handle.id)

    assert handle.cancel()
    assert_canceled(handle)


# Death.


@pytest.mark.parametrize(
    ("code", "fate", "look"),
    [
        (agent_tasks.be_killed, "was killed by signal 9 (SIGKILL)", "kernel's log of that host (`dmesg`)"),
        (agent_tasks.crash, "was killed by signal 11 (SIGSEGV)", "PYTHONFAULTHANDLER=1"),
        (agent_tasks.leave, "exited with status 3", "shows what it had printed."),
    ],
    ids=["killed", "crashed", "exited"],
)
def test_a_function_whose_process_ends_fails_and_says_what_ended_it_and_where_to_look(
    cluster: Cluster, code: Callable[[], None], fate: str, look: str
) -> None:
    handle = cluster.enqueue(code)
    error = failure(handle)

    assert (error.exception_type, error.attempts) == ("handoff.ChildDied", 1)
    assert re.fullmatch(re.escape(f"its child process {fate}; it had ") + "[0-9,]+ MB of memory at most", error.message)
    assert f"`handoff logs {handle.id}`" in error.traceback
    assert look in error.traceback
    assert str(error).endswith(
        ": it left no traceback, see what it printed (`handle.logs()`) and the log of its node's agent"
    )


def test_a_function_whose_child_is_killed_from_outside_is_tried_again_in_another(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, max_retries=1)
    first = gate.arrival()

    os.kill(first.pid, signal.SIGKILL)

    second = gate.arrival()
    gate.open("a")
    assert handle.result(LIMIT_S) == 7
    assert handle.attempts == 2
    assert second.pid != first.pid


def test_functions_run_again_after_the_process_that_forks_children_was_killed(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    nursery = cluster.enqueue(agent_tasks.parent).result(LIMIT_S)

    os.kill(nursery, signal.SIGKILL)

    assert failure(handle).message == "its nursery is gone: killed by signal 9 (SIGKILL)"
    assert cluster.enqueue(agent_tasks.parent).result(LIMIT_S) != nursery


# Retries.


def test_each_retry_waits_twice_as_long_as_the_one_before_give_or_take_a_fifth(cluster: Cluster) -> None:
    before = newest(cluster)
    handle = cluster.enqueue(agent_tasks.fail, "no", max_retries=2)

    at, first = await_event(cluster, before, event="delayed", job=handle.id)
    until, second = await_event(cluster, at, event="delayed", job=handle.id)

    handle.cancel()
    by_then = [event for id, event in takewhile(lambda each: each[0] != until, cluster.events(before))]
    assert [event["event"] for event in by_then].count("started") == 2
    assert 800 <= int(first["until_ms"]) - int(first["at_ms"]) <= 1200
    assert 1600 <= int(second["until_ms"]) - int(second["at_ms"]) <= 2400


def test_a_function_that_waits_for_its_retry_holds_nothing(cluster: Cluster) -> None:
    handle = cluster.enqueue(agent_tasks.fail_once, 7, cost={"gpu": 1}, max_retries=1)
    await_event(cluster, event="delayed", job=handle.id)

    meanwhile = cluster.enqueue(agent_tasks.echo, 8, cost={"gpu": 1}).result(LIMIT_S)

    assert handle.result(LIMIT_S) == 7
    assert meanwhile == 8
    assert handle.attempts == 2


# Cancel.


def test_a_waiting_function_that_is_canceled_never_runs(cluster: Cluster, gate: Gate) -> None:
    holder = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1})
    waiting = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1})
    assert waiting.status == "waiting"

    decided = waiting.cancel()

    assert_canceled(waiting)
    gate.open("a")
    holder.result(LIMIT_S)
    assert decided
    assert waiting.attempts == 0
    assert not waiting.cancel()


def test_an_infeasible_function_can_be_canceled(cluster: Cluster) -> None:
    handle = cluster.enqueue(agent_tasks.nothing, cost={"gpu": 2})

    assert handle.cancel()
    assert_canceled(handle)


def test_a_delayed_function_that_is_canceled_does_not_try_again(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(graph_steps.pass_gate_and_fail, folder=gate.folder, max_retries=3)
    gate.arrival()
    # Its delay may be over before it is canceled: even then it has not started again.
    with suspended(cluster):
        gate.open("a")
        await_event(cluster, event="delayed", job=handle.id)

        assert handle.cancel()

    assert_canceled(handle)
    assert handle.attempts == 1
    assert cluster.connection.zcard(cluster.store.keys("delayed")) == 0


def test_a_queued_function_that_is_canceled_gives_its_room_back_at_once(cluster: Cluster) -> None:
    with suspended(cluster):
        queued = cluster.enqueue(agent_tasks.nothing, cost={"gpu": 1})
        next_one = cluster.enqueue(agent_tasks.echo, 7, cost={"gpu": 1})
        before = (queued.status, next_one.status)

        decided = queued.cancel()

        after = next_one.status
    assert decided
    assert before == ("queued", "waiting")
    assert after == "queued"
    assert_canceled(queued)
    assert next_one.result(LIMIT_S) == 7


def test_a_running_function_that_is_canceled_is_dead_before_its_room_goes_to_another(
    cluster: Cluster, gate: Gate
) -> None:
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1})
    pid = gate.arrival().pid
    next_one = cluster.enqueue(agent_tasks.are_alive, [pid], cost={"gpu": 1})

    decided = running.cancel()

    assert_canceled(running)
    assert decided
    assert next_one.result(LIMIT_S) == [False]
    assert not running.cancel()


def test_a_running_function_that_is_canceled_is_not_retried_and_no_callback_is_told(
    cluster: Cluster, gate: Gate
) -> None:
    handle = cluster.enqueue(
        agent_tasks.pass_gate, gate.folder, max_retries=3,
        on_success=agent_tasks.tell_result, on_failure=agent_tasks.tell_failure,
    )  # fmt: skip
    pid = gate.arrival().pid

    handle.cancel()

    assert_canceled(handle)
    wait_until(lambda: not alive(pid), "the end of the canceled function's child")
    assert handle.attempts == 1
    assert cluster.connection.llen(f"told:{handle.id}") == 0


def test_cancel_after_the_end_changes_nothing(cluster: Cluster) -> None:
    finished = cluster.enqueue(agent_tasks.echo, 7)
    failed = cluster.enqueue(agent_tasks.fail, "no")
    finished.result(LIMIT_S)
    failure(failed)

    assert not finished.cancel()
    assert not failed.cancel()

    assert finished.result(LIMIT_S) == 7
    assert failure(failed).message == "no"
