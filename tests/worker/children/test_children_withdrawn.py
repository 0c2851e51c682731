"""What has not begun can be taken back: then nothing of it runs, and nobody hears of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from handoff_worker.children.confine import binding
from handoff_worker.children.pool import Children
from support.children import run, task, turn, value


def test_of_what_waits_for_its_child_nothing_runs_when_it_is_taken_back(children: Children, tmp_path: Path) -> None:
    # The nursery is not ready yet.
    children.start(task("os.mkdir", str(tmp_path / "begun"), id="early"))

    assert children.withdraw("early")

    assert value(run(children, task("halve", 2))) == 1
    assert not (tmp_path / "begun").exists()
    assert list(children.running) == []


def test_what_may_have_begun_is_not_taken_back(children: Children) -> None:
    nursery = value(run(children, task("nursery_pid")))
    os.kill(nursery, signal.SIGSTOP)
    try:
        children.start(task("halve", 2, id="warm"))
        assert not children.withdraw("warm")
    finally:
        os.kill(nursery, signal.SIGCONT)

    (outcome,) = turn(children)
    assert value(outcome) == 1
    assert not children.withdraw("warm")
    assert not children.withdraw("nobody")


def test_what_waits_for_devices_is_taken_back_and_the_next_has_them(children: Children, tmp_path: Path) -> None:
    value(run(children, task("halve", 2, binding=binding({"gpu": [0, 1]}))))
    children.start(task("os.mkdir", str(tmp_path / "begun"), id="late", binding=binding({"gpu": [0]})))

    assert children.withdraw("late")

    assert value(run(children, task("halve", 4, binding=binding({"gpu": [1]})))) == 2
    assert not (tmp_path / "begun").exists()
    assert list(children.running) == []
