"""The nursery, and the end of it all: whoever dies, no process stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from child_tasks import alive
from handoff_worker.children import nursery
from handoff_worker.children.nursery import NurseryBroken
from handoff_worker.children.outcome import Died
from handoff_worker.children.pool import Children
from support.children import TESTS, Start, run, subprocess_started, task, turn, value
from support.waiting import wait_until


def test_a_nursery_that_is_killed_takes_its_children_with_it_and_is_replaced(
    children: Children, tmp_path: Path
) -> None:
    first = value(run(children, task("nursery_pid")))
    busy, subprocess_pid = subprocess_started(children, tmp_path / "pids", id="lost")

    os.kill(first, signal.SIGKILL)
    (outcome,) = turn(children)

    assert outcome == Died("lost", None, "its nursery is gone: killed by signal 9 (SIGKILL)")
    wait_until(lambda: not alive(busy) and not alive(subprocess_pid), "its child and the child's subprocess are gone")
    assert value(run(children, task("nursery_pid"))) != first
    assert children.idle == 1


def test_functions_that_wait_for_a_nursery_that_dies_are_run_by_the_next(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(nursery, "_BOOT", "raise SystemExit(7)")
        children = start()
    children.start(task("halve", 2))

    assert value(turn(children)[0]) == 1


def test_a_nursery_that_never_comes_up_is_said_so(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery, "_BOOT", "raise SystemExit(7)")
    children = start()

    with pytest.raises(NurseryBroken, match="3 times in a row \\(exited with status 7\\): see"):
        turn(children)


def test_close_ends_everything_and_may_be_repeated(start: Start, tmp_path: Path) -> None:
    children = start()
    idle, nursery_process = value(run(children, task("pid"))), value(run(children, task("nursery_pid")))
    busy, subprocess_pid = subprocess_started(children, tmp_path / "pids", id="busy")

    children.close()
    children.close()

    assert not [pid for pid in (idle, nursery_process, busy) if psutil.pid_exists(pid)]
    wait_until(lambda: not alive(subprocess_pid), "the subprocess of the child is gone")


@pytest.mark.parametrize("is_fork", [False, True])
def test_an_agent_that_is_killed_leaves_no_process_behind(tmp_path: Path, is_fork: bool) -> None:
    path = tmp_path / "pids"
    script = f"""
import sys
sys.path.insert(0, {TESTS!r})
from pathlib import Path
from handoff_worker.children.nursery import Imports
from handoff_worker.children.pool import Children
from support.children import run, task, turn, value
children = Children(idle_limit=2, imports=Imports([{TESTS!r}], is_agent={is_fork}))
idle, nursery = value(run(children, task("pid"))), value(run(children, task("nursery_pid")))
children.start(task("child_ends.start_subprocess_and_wait", {str(path)!r}))
turn(children, until=Path({str(path)!r}).exists)
print(idle, nursery, flush=True)
turn(children)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stdout is not None
            left = [*map(int, agent.stdout.readline().split()), *json.loads(path.read_text())]
            assert len(left) == 4
            assert all(alive(pid) for pid in left)
        finally:
            agent.kill()

    wait_until(lambda: not any(alive(pid) for pid in left), "every process of the agent is gone")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a busy child outlives its nursery")
@pytest.mark.parametrize("is_fork", [False, True])
def test_a_busy_child_ends_with_its_nursery_even_if_nobody_sees_to_it(tmp_path: Path, is_fork: bool) -> None:
    path = tmp_path / "pid"
    script = f"""
import sys
sys.path.insert(0, {TESTS!r})
from pathlib import Path
from handoff_worker.children.nursery import Imports
from handoff_worker.children.pool import Children
from support.children import run, task, turn, value
children = Children(idle_limit=2, imports=Imports([{TESTS!r}], is_agent={is_fork}))
nursery = value(run(children, task("nursery_pid")))
children.start(task("child_ends.write_pid_and_sleep", {str(path)!r}))
turn(children, until=Path({str(path)!r}).exists)
print(nursery, flush=True)
turn(children)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as agent:
        try:
            assert agent.stdout is not None
            nursery_process = int(agent.stdout.readline())
            child = int(path.read_text())
            agent.send_signal(signal.SIGSTOP)

            os.kill(nursery_process, signal.SIGKILL)

            wait_until(lambda: not alive(child), "the child is gone")
        finally:
            agent.kill()
