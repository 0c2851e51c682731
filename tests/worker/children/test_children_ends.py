"""How functions end that do not return: dead, killed, or past their limit of time."""

from __future__ import annotations

import select
import signal
import time
from math import inf
from pathlib import Path
from typing import Any

import psutil
import pytest

from child_tasks import FOREVER_S, alive
from handoff_worker.children import pool
from handoff_worker.children.outcome import Died
from handoff_worker.children.pool import Children
from handoff_worker.inside.wire import encode
from support.children import Start, death, failure, run, subprocess_started, task, turn, value
from support.waiting import LIMIT_S, wait_until


def test_a_child_that_is_killed_died_of_that_signal(children: Children) -> None:
    outcome = run(children, task("child_ends.kill_myself", int(signal.SIGKILL)))

    assert outcome == Died("f", -9, "killed by signal 9 (SIGKILL)")
    # It has imported rq.
    assert death(outcome).memory_mb in range(10, 10_000)


def test_a_child_that_exits_died_with_that_status(children: Children) -> None:
    assert run(children, task("child_ends.exit_at_once", 3)) == Died("f", 3, "exited with status 3")


@pytest.mark.slow
def test_a_child_that_exits_as_if_all_were_well_died_nonetheless(children: Children) -> None:
    assert run(children, task("child_ends.exit_at_once", 0)) == Died("f", 0, "exited with status 0")


@pytest.mark.slow
def test_a_child_that_crashes_died_of_its_signal(children: Children) -> None:
    assert run(children, task("child_ends.crash")) == Died("f", -11, "killed by signal 11 (SIGSEGV)")


def test_the_death_of_one_child_leaves_the_others_alone(children: Children) -> None:
    sound, dead = run(children, task("halve", 2, id="sound"), task("child_ends.exit_at_once", 1, id="dead"))

    assert value(sound) == 1
    assert isinstance(dead, Died)


def test_a_child_is_dead_when_it_is_gone_whoever_still_has_its_socket(children: Children, tmp_path: Path) -> None:
    path = tmp_path / "fork"

    outcome = run(children, task("child_ends.exit_leaving_a_fork", str(path)))

    assert outcome == Died("f", 5, "exited with status 5")
    left = int(path.read_text())
    wait_until(lambda: not alive(left), "what the child left behind is gone")


def test_a_child_that_closes_its_socket_and_goes_on_is_killed(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "HANG_UP_S", 0.1)

    outcome = run(children, task("child_ends.hang_up"))

    assert outcome == Died("f", -9, "killed by signal 9 (SIGKILL): it had closed its connection to the agent")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 64,
        b"\x00\x00\x00\x01\xc1",
        encode(["finished"]),
        encode({"id": "f", "kind": "finished", "result": 1, "forms": [], "kept": 1, "spent": False, "left": False}),
        encode(
            {"id": "f", "kind": "finished", "result": b"", "forms": [b"", 1], "kept": 1, "spent": False, "left": False}
        ),
        encode({"id": "f", "kind": "finished", "result": b"", "forms": {}, "kept": 1, "spent": False, "left": False}),
        encode({"id": "g", "kind": "finished", "result": b"", "forms": [], "kept": 1, "spent": False, "left": False}),
    ],
    ids=["a huge length", "no msgpack", "another shape", "another type", "another form", "no forms", "another id"],
)
def test_a_child_that_writes_garbage_to_its_socket_is_killed(children: Children, data: bytes) -> None:
    outcome = run(children, task("child_ends.write_everywhere", data))

    assert death(outcome).code == -signal.SIGKILL


def test_what_is_printed_is_not_taken_for_an_answer(children: Children) -> None:
    assert value(run(children, task("shout"))) == "said"


def test_a_killed_function_died_for_that_reason(children: Children, tmp_path: Path) -> None:
    child, subprocess_pid = subprocess_started(children, tmp_path / "pids")

    assert children.kill("f", "canceled by somebody")
    (outcome,) = turn(children)

    assert outcome == Died("f", -9, "killed by signal 9 (SIGKILL): canceled by somebody")
    assert not alive(child)
    wait_until(lambda: not alive(subprocess_pid), "the subprocess of the child is gone")


def test_a_function_whose_child_is_not_forked_yet_can_be_killed(children: Children) -> None:
    children.start(task("sleep", FOREVER_S))

    assert children.kill("f", "canceled")

    assert death(turn(children)[0]).code == -signal.SIGKILL


def test_nothing_is_killed_that_does_not_run(children: Children) -> None:
    run(children, task("nothing"))

    assert not children.kill("f", "canceled")
    assert value(run(children, task("halve", 2))) == 1


def test_an_answer_that_was_on_its_way_still_counts(children: Children) -> None:
    # More than the agent reads at once, and less than a socket holds.
    size = 150_000
    pid = value(run(children, task("pid")))
    children.start(task("zeros", size))
    select.select([children], [], [], LIMIT_S)

    children.kill("f", "canceled")
    wait_until(lambda: not psutil.pid_exists(pid), "the child is reaped")

    assert len(value(turn(children)[0])) == size
    assert children.idle == 0


# Limits of time.


@pytest.mark.slow
def test_a_function_that_does_not_hear_of_its_limit_is_killed_after_the_grace(start: Start) -> None:
    children = start(grace_s=0.1)

    failed = failure(run(children, task("sleep_deaf", FOREVER_S, timeout=1)))

    assert failed.exception_type == "rq.timeouts.JobTimeoutException"
    assert failed.message == "did not end within 1 seconds and 0.1 more, so its process was killed"
    assert failed.retryable


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({"timeout": 100}, 105),
        ({"timeout": 100, "on_success": "nothing", "callback_timeout": 30}, 135),
        ({"kind": "on_failure", "on_failure": "sleep_on_failure", "callback_timeout": 30}, 35),
    ],
    ids=["function", "function and callback", "failure callback"],
)
def test_the_limit_holds_for_the_function_its_callback_and_the_grace(
    children: Children, limits: dict[str, Any], seconds: int
) -> None:
    before = time.monotonic()

    children.start(task("sleep", FOREVER_S, **limits))
    turn(children, until=lambda: children.next_deadline() < inf)

    deadline = children.next_deadline()
    assert deadline < inf
    assert before + seconds <= deadline <= time.monotonic() + seconds
    children.expire(deadline - 1)
    assert children.next_deadline() == deadline
    children.expire(deadline)
    assert failure(turn(children)[0]).exception_type == "rq.timeouts.JobTimeoutException"


def test_a_function_without_a_limit_has_no_deadline(children: Children) -> None:
    run(children, task("nothing"))

    children.start(task("sleep", FOREVER_S))

    assert children.next_deadline() == inf


def test_the_deadline_of_a_function_that_has_ended_is_forgotten(children: Children) -> None:
    run(children, task("nothing", timeout=100))
    deadline = children.next_deadline()
    assert deadline < inf

    children.expire(deadline + 1)

    assert children.next_deadline() == inf
