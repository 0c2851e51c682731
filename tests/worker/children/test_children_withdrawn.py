"""What has not begun can be taken back: then nothing of it runs, and nobody hears of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from handoff_worker.children.confine import binding
from handoff_worker.children.pool import Children
from support.children import run, task, turn, value
from support.processes import freeze


def test_of_what_waits_for_its_child_nothing_runs_when_it_is_taken_back(children: Children, tmp_path: Path) -> None:
    # The nursery is not ready yet.
    children.start(task("os.mkdir", str(tmp_path / "begun"), id="early"))

    assert children.withdraw("early")

    assert value(run(children, task("halve", 2))) == 1
    assert not (tmp_path / "begun").exists()
    assert list(children.running) == []


def test_what_has_begun_is_not_taken_back(children: Children, tmp_path: Path) -> None:
    path = tmp_path / "pid"
    children.start(task("child_ends.write_pid_and_sleep", str(path), id="begun"))
    turn(children, until=path.exists)

    assert not children.withdraw("begun")
    assert not children.withdraw("nobody")
    assert list(children.running) == ["begun"]


def test_what_an_idle_child_has_not_begun_is_taken_back_and_it_runs_the_next(
    children: Children, tmp_path: Path
) -> None:
    pid = value(run(children, task("pid")))
    freeze(pid)
    children.start(task("os.mkdir", str(tmp_path / "begun"), id="warm"))

    assert children.withdraw("warm")

    os.kill(pid, signal.SIGCONT)
    assert value(run(children, task("pid"))) == pid
    assert not (tmp_path / "begun").exists()


def test_what_waits_for_devices_is_taken_back_and_the_next_has_them(children: Children, tmp_path: Path) -> None:
    value(run(children, task("halve", 2, binding=binding({"gpu": [0, 1]}))))
    children.start(task("os.mkdir", str(tmp_path / "begun"), id="late", binding=binding({"gpu": [0]})))

    assert children.withdraw("late")

    assert value(run(children, task("halve", 4, binding=binding({"gpu": [1]})))) == 2
    assert not (tmp_path / "begun").exists()
    assert list(children.running) == []
