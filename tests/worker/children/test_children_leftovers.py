"""What functions leave running: nothing of it lives when their outcome is told, however it got away."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import psutil
import pytest

import child_leftovers
from child_tasks import alive
from handoff_worker.children.outcome import Died, Finished
from handoff_worker.children.pool import Children
from support.children import Start, death, failure, run, task, turn, value

ways = pytest.mark.parametrize("way", child_leftovers.WAYS)
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing adopts")


@ways
def test_what_a_function_leaves_running_is_gone_when_it_has_ended(lasting: Children, tmp_path: Path, way: str) -> None:
    outcome = run(lasting, task("child_leftovers.leave", way, str(tmp_path / "pid")))

    assert isinstance(outcome, Finished)
    assert not alive(int((tmp_path / "pid").read_text()))


@ways
def test_what_a_killed_function_has_started_is_gone_with_it(lasting: Children, tmp_path: Path, way: str) -> None:
    path = tmp_path / "pid"
    lasting.start(task("child_leftovers.leave_and_wait", way, str(path)))
    turn(lasting, until=path.exists)

    lasting.kill("f", "canceled")
    (outcome,) = turn(lasting)

    assert outcome == Died("f", -9, "killed by signal 9 (SIGKILL): canceled")
    assert not alive(int(path.read_text()))


@ways
def test_what_a_function_has_started_whose_child_exits_is_gone_with_it(
    lasting: Children, tmp_path: Path, way: str
) -> None:
    outcome = run(lasting, task("child_leftovers.leave_and_exit", way, str(tmp_path / "pid")))

    assert death(outcome).code == 3
    assert not alive(int((tmp_path / "pid").read_text()))


def test_a_function_that_fails_and_leaves_a_process_running_has_failed_as_it_did(
    lasting: Children, tmp_path: Path
) -> None:
    outcome = run(lasting, task("child_leftovers.leave_and_fail", "own session", str(tmp_path / "pid")))

    assert failure(outcome).message == "no"
    assert not alive(int((tmp_path / "pid").read_text()))


def test_what_other_functions_have_started_that_still_run_is_left_alone(children: Children, tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    children.start(task("child_leftovers.leave_and_wait", "daemon", str(other), id="other"))
    turn(children, until=other.exists)

    run(children, task("child_leftovers.leave", "daemon", str(mine)))
    children.start(task("child_leftovers.leave_and_wait", "daemon", str(mine), id="again"))
    turn(children, until=lambda: alive(int(mine.read_text())))
    children.kill("again", "canceled")
    turn(children)

    assert alive(int(other.read_text()))
    assert "other" in children.running


def test_a_child_of_which_something_was_left_is_not_used_again(children: Children, tmp_path: Path) -> None:
    first = value(run(children, task("pid")))

    run(children, task("child_leftovers.leave", "own session", str(tmp_path / "pid")))

    assert value(run(children, task("pid"))) != first


def test_what_was_left_running_is_told_by_name_in_the_log(
    children: Children, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # What a shell has just started may still be of the child's group, and go with it unnamed.
    run(children, task("child_leftovers.leave", "own session", str(tmp_path / "pid")))

    told = rf"f had left running what was killed at its end: python[\d.]* \({(tmp_path / 'pid').read_text()}\)"
    assert [message for message in caplog.messages if re.fullmatch(told, message)]


@only_linux
def test_zombies_are_reaped_and_their_child_is_used_again(children: Children) -> None:
    first = value(run(children, task("child_leftovers.leave_zombies", 20)))

    assert value(run(children, task("child_leftovers.count_children"))) == 0
    assert value(run(children, task("pid"))) == first


@only_linux
def test_no_zombies_of_daemons_are_left_in_the_nursery(children: Children, tmp_path: Path) -> None:
    nursery = psutil.Process(value(run(children, task("nursery_pid"))))
    for number in range(5):
        run(children, task("child_leftovers.leave", "daemon", str(tmp_path / f"{number}")))
        run(children, task("child_leftovers.leave_and_exit", "daemon", str(tmp_path / f"{number}")))

    assert [child for child in nursery.children() if child.status() == psutil.STATUS_ZOMBIE] == []


def test_the_process_that_keeps_account_of_shared_memory_does_not_cost_the_child(children: Children) -> None:
    first = value(run(children, task("child_leftovers.use_shared_memory")))

    assert value(run(children, task("pid"))) == first


def test_what_functions_have_started_is_gone_when_the_children_are_closed(children: Children, tmp_path: Path) -> None:
    path = tmp_path / "pid"
    children.start(task("child_leftovers.leave_and_wait", "daemon", str(path)))
    turn(children, until=path.exists)

    children.close()

    assert not alive(int(path.read_text()))


@pytest.mark.parametrize("way", ["own session", "daemon"])
def test_what_functions_have_started_is_gone_when_their_nursery_is(
    children: Children, tmp_path: Path, way: str
) -> None:
    path = tmp_path / "pid"
    nursery = value(run(children, task("nursery_pid")))
    children.start(task("child_leftovers.leave_and_wait", way, str(path)))
    turn(children, until=path.exists)

    os.kill(nursery, signal.SIGKILL)
    turn(children)

    assert not alive(int(path.read_text()))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGTSTP, signal.SIGUSR1])
def test_a_signal_to_all_processes_does_not_end_the_nursery(start: Start, number: int) -> None:
    others = set(psutil.Process().children())
    children = start()
    (started,) = set(psutil.Process().children()) - others
    # Also before it is ready.
    os.kill(started.pid, number)
    nursery = value(run(children, task("nursery_pid")))

    os.kill(nursery, number)

    assert value(run(children, task("nursery_pid"), task("sleep", 0, id="g"))[0]) == nursery
    assert psutil.Process(nursery).status() != psutil.STATUS_STOPPED


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_that_the_nursery_ignores_ends_a_child(lasting: Children, number: int) -> None:
    assert death(run(lasting, task("child_ends.kill_myself", int(number)))).code == -number
