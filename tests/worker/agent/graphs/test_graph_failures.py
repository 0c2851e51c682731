"""How a run on real nodes ends that does not go well, and what its client has to do with that."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import agent_tasks
import child_tasks
import graph_steps
from child_tasks import alive
from handoff import (
    Cluster,
    Function,
    FunctionCanceled,
    FunctionFailed,
    HandoffError,
    RunCanceled,
    RunHandle,
    RunTimedOut,
)
from support.deadlines import end_timer
from support.gate import Gate
from support.processes import environment
from support.real_graphs import at_gate, graph
from support.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.slow


def failure(run: RunHandle) -> FunctionFailed:
    with pytest.raises(FunctionFailed) as caught:
        run.result(LIMIT_S)
    return caught.value


def assert_canceled(run: RunHandle, reason: str) -> None:
    with pytest.raises(RunCanceled) as caught:
        run.result(LIMIT_S)
    assert (caught.value.id, caught.value.reason) == (run.id, reason)
    assert run.status == "canceled"


# Failure.


def test_a_function_that_has_failed_for_good_fails_the_run_and_what_runs_elsewhere_is_killed(
    cluster: Cluster, gate: Gate
) -> None:
    run = cluster.submit_dag(
        graph(
            at_gate("elsewhere", gate, node="b"),
            Function("bad", graph_steps.pass_gate_and_fail, kwargs={"folder": gate.folder}, node="a"),
            Function("after", graph_steps.nothing, args=("bad",)),
            Function("waiting", agent_tasks.nothing, cost={"cpu": 2}, delay=3600),
        ),
        max_retries=1,
    )
    elsewhere = {arrival.node: arrival.pid for arrival in gate.arrivals(2)}["b"]
    gate.open("a")
    again = gate.arrival()
    alive_meanwhile = alive(elsewhere)
    gate.open("a")

    error = failure(run)

    assert (error.function_id, error.node, error.attempts) == ("bad", "a", 2)
    assert (error.exception_type, error.message) == ("agent_tasks.Refused", "behind the gate")
    assert "in pass_gate_and_fail" in error.traceback
    assert again.node == "a"
    assert alive_meanwhile
    assert not alive(elsewhere)
    assert run.status == "failed"
    others = run.result(partial=True).errors
    assert others.pop("bad").args == error.args
    assert {id: _reason(other) for id, other in others.items()} == dict.fromkeys(
        ("elsewhere", "after", "waiting"), f"its run '{run.id}' failed"
    )
    assert (run.handle("after").attempts, run.handle("waiting").attempts) == (0, 0)


def _reason(error: HandoffError) -> str:
    assert isinstance(error, FunctionCanceled)
    return error.reason


@pytest.mark.parametrize("where", ["the run", "the function"])
def test_without_retries_the_first_failure_is_the_last(cluster: Cluster, where: str) -> None:
    of_function, of_run = (0, 3) if where == "the function" else (None, 0)

    run = cluster.submit_dag(graph(Function("bad", agent_tasks.be_killed, max_retries=of_function)), max_retries=of_run)

    error = failure(run)
    assert (error.attempts, error.exception_type) == (1, "handoff.ChildDied")
    assert error.message.startswith("its child process was killed by signal 9 (SIGKILL); it had ")


def test_without_fail_fast_only_what_depends_on_a_failed_function_is_skipped(cluster: Cluster) -> None:
    run = cluster.submit_dag(
        graph(
            Function("bad", agent_tasks.fail, extra_args=("no",)),
            Function("through", graph_steps.nothing, args=("bad",), type="inline"),
            Function("after", graph_steps.nothing, args=("through",)),
            Function("long after", graph_steps.nothing, args=("after", "good")),
            Function("good", agent_tasks.echo, extra_args=(1,)),
            Function("better", graph_steps.with_my_pid, args=("good",)),
            Function("best", child_tasks.call, args=("good", "better")),
        ),
        max_retries=0,
        fail_fast=False,
    )

    error = failure(run)
    result = run.result(partial=True)

    assert (error.function_id, run.status) == ("bad", "failed")
    assert result.results.keys() == {"good", "better", "best"}
    assert result.errors.pop("bad").args == error.args
    assert {id: _reason(other) for id, other in result.errors.items()} == dict.fromkeys(
        ("after", "long after"), "its dependency 'bad' did not finish"
    )


def test_a_function_whose_child_is_killed_takes_the_same_results_at_its_next_attempt(cluster: Cluster) -> None:
    run = cluster.submit_dag(
        graph(
            Function("source", agent_tasks.echo, extra_args=(1,)),
            Function("inline", child_tasks.call, args=("source",), type="inline"),
            Function("killed", graph_steps.be_killed_once, args=("source", "inline")),
            Function("last", agent_tasks.echo, args=("killed",)),
        )
    )

    assert run.result(LIMIT_S).results["last"] == [1, [[1], {}], 2]
    assert run.handle("killed").attempts == 2


def test_a_run_that_takes_too_long_is_stopped(cluster: Cluster, gate: Gate) -> None:
    run = cluster.submit_dag(
        graph(at_gate("slow", gate), Function("after", graph_steps.nothing, args=("slow",))), timeout=3600
    )
    pid = gate.arrival().pid
    end_timer(cluster, "run")

    with pytest.raises(RunTimedOut) as caught:
        run.result(LIMIT_S)

    assert (caught.value.id, caught.value.seconds) == (run.id, 3600)
    assert not alive(pid)
    assert run.status == "failed"
    assert run.handle("after").status == "canceled"


def test_a_run_that_is_canceled_is_over_when_what_ran_of_it_is_dead(cluster: Cluster, gate: Gate) -> None:
    run = cluster.submit_dag(
        graph(
            at_gate("on a", gate, node="a"),
            at_gate("on b", gate, node="b"),
            Function("after", graph_steps.nothing, args=("on a", "on b")),
        )
    )
    pids = [arrival.pid for arrival in gate.arrivals(2)]

    decided = [run.cancel(), run.cancel()]

    assert_canceled(run, "canceled")
    assert decided == [True, False]
    assert not any(map(alive, pids))
    assert run.progress().counts == {"canceled": 3}
    assert not run.cancel()


# Clients.


@contextmanager
def client(how: str, cluster: Cluster, run: str, folder: str) -> Iterator[subprocess.Popen[str]]:
    """`graph_steps` as a process, as soon as it has said what it says."""
    arguments = [how, cluster.url, cluster.namespace, run, folder]
    process = subprocess.Popen(
        [sys.executable, "-m", "graph_steps", *arguments], env=environment(), stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            if how != "await":
                assert process.stdout is not None
                assert process.stdout.readline() == "submitted\n"
            yield process
        finally:
            process.kill()


def test_a_run_is_awaited_from_another_process_than_that_which_submitted_it(cluster: Cluster, gate: Gate) -> None:
    id = uuid.uuid4().hex
    with client("leave", cluster, id, gate.folder) as submitting:
        assert submitting.wait(LIMIT_S) == 0
    gate.arrival()

    with client("await", cluster, id, gate.folder) as waiting:
        gate.open("a")
        told, _ = waiting.communicate(timeout=LIMIT_S)

    assert json.loads(told) == [{"first": [1, "a"], "last": [1, "a"]}, {"first": "a", "last": "b"}]
    assert cluster.run(id).result(0).results == json.loads(told)[0]


def test_a_run_goes_on_when_the_client_that_submitted_it_is_killed(cluster: Cluster, gate: Gate) -> None:
    id = uuid.uuid4().hex
    with client("stay", cluster, id, gate.folder) as submitting:
        gate.arrival()
        submitting.kill()
        assert submitting.wait() == -signal.SIGKILL

    gate.open("a")

    assert cluster.run(id).result(LIMIT_S).results == {"first": [1, "a"], "last": [1, "a"]}


def test_an_attached_run_lives_as_long_as_its_client(cluster: Cluster, gate: Gate) -> None:
    id = uuid.uuid4().hex
    with client("attend", cluster, id, gate.folder) as attending:
        pid = gate.arrival().pid
        run = cluster.run(id)
        ends_ms = _lease_end_ms(cluster)
        wait_until(lambda: _lease_end_ms(cluster) > ends_ms, "its client has said that it is there")
        meanwhile = run.status, alive(pid)

        attending.kill()
        attending.wait()
        end_timer(cluster, "attached")

        assert_canceled(run, "detached")
        assert meanwhile == ("running", True)
        assert not alive(pid)
        assert run.handle("last").status == "canceled"


def _lease_end_ms(cluster: Cluster) -> float:
    redis: Any = cluster.connection
    timers = redis.zrange(cluster.store.keys("renewed"), 0, -1, withscores=True)
    (end_ms,) = (score for what, score in timers if what.startswith(b"attached|"))
    return float(end_ms)
