"""What children inherit, and that starting and feeding them never makes the agent wait."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from handoff_worker.children.nursery import Imports
from handoff_worker.children.outcome import Finished
from handoff_worker.children.pool import Children
from support.children import Start, run, task, turn, value


def test_children_lead_groups_of_their_own_and_have_no_input_and_no_signals_of_the_agent(
    start: Start, request: pytest.FixtureRequest
) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    standing = value(run(start(), task("standing")))

    assert standing == {"leads its group": True, "stdin": "", "own signals": True, "arguments": []}


def test_an_interrupt_of_the_agents_group_does_not_reach_the_nursery(children: Children) -> None:
    assert value(run(children, task("nursery_group"))) != os.getpgrp()


def test_the_current_directory_is_importable_and_shadows_nothing_of_ours(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text("def name():\n    return 'mine'\n")
    (tmp_path / "redis.py").write_text("raise RuntimeError('not this one')\n")
    monkeypatch.chdir(tmp_path)

    assert value(run(start(imports=Imports([])), task("mine.name"))) == "mine"


def test_the_nursery_has_a_single_thread(children: Children) -> None:
    assert value(run(children, task("threads_of_the_nursery"))) == 1


# The agent never waits.


def test_a_large_argument_for_a_child_that_does_not_read_holds_nothing_up(children: Children) -> None:
    pid = value(run(children, task("pid")))
    os.kill(pid, signal.SIGSTOP)
    children.start(task("length", os.urandom(7 * 2**20), id="large"))

    assert value(run(children, task("halve", 2))) == 1

    os.kill(pid, signal.SIGCONT)
    assert value(turn(children)[0]) == 7 * 2**20


def test_children_are_asked_for_before_the_nursery_is_there(start: Start) -> None:
    children = start()

    for number in range(5):
        children.start(task("nothing", id=str(number)))

    assert len(children.running) == 5
    ended: set[str] = set()
    while len(ended) < 5:
        ended |= {outcome.id for outcome in turn(children) if isinstance(outcome, Finished)}
    assert not children.running
