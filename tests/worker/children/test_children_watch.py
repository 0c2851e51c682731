"""Nursery and children that stand still or send half of what they should: noticed, sent on, and else given up."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from child_tasks import FOREVER_S
from handoff_worker.children import child, watch
from handoff_worker.children import nursery as nursery_module
from handoff_worker.children.outcome import Finished
from handoff_worker.children.pool import Children
from handoff_worker.children.watch import Watch
from handoff_worker.machine import processes
from support.children import Start, death, run, task, turn, value
from support.processes import freeze


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look always, and be patient for ever: how many looks that is, the machine decides."""
    monkeypatch.setattr(watch, "LOOK_S", 0.0)
    for module, name in [(child, "PATIENCE"), (nursery_module, "PATIENCE"), (nursery_module, "PATIENCE_AT_START")]:
        monkeypatch.setattr(module, name, sys.maxsize)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children are given up."""
    monkeypatch.setattr(child, "PATIENCE", 3)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stands still stays so."""
    monkeypatch.setattr(processes, "go_on", lambda pid: None)


def test_a_nursery_that_was_stopped_goes_on(children: Children) -> None:
    nursery = value(run(children, task("nursery_pid")))
    children.start(task("sleep", FOREVER_S, id="busy"))

    freeze(nursery)

    assert value(run(children, task("nursery_pid"), task("nothing", id="g"))[0]) == nursery
    assert "busy" in children.running


def test_a_nursery_that_is_stopped_before_it_is_ready_goes_on(start: Start) -> None:
    children = start()
    freeze(children._children.nursery._process._process.pid)

    assert isinstance(run(children, task("nothing")), Finished)


@pytest.mark.usefixtures("deaf")
def test_a_nursery_that_answers_no_more_is_replaced_and_its_functions_are_told_of_it(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery = value(run(children, task("nursery_pid")))
    children.start(task("sleep", FOREVER_S, id="busy"))
    turn(children, until=lambda: children.starting == 0)

    freeze(nursery)
    with monkeypatch.context() as impatient:
        impatient.setattr(nursery_module, "PATIENCE", 3)
        (outcome,) = turn(children)

    assert death(outcome).text == "its nursery is gone: killed by signal 9 (SIGKILL)"
    assert value(run(children, task("nursery_pid"))) != nursery


def test_a_child_that_was_stopped_goes_on(children: Children) -> None:
    assert value(run(children, task("child_ends.stop_myself"))) == "went on"


def test_a_child_that_is_stopped_together_with_its_subprocesses_goes_on_with_them(children: Children) -> None:
    assert value(run(children, task("child_ends.stop_my_group"))) == 0


@pytest.mark.usefixtures("deaf", "impatient")
def test_a_child_that_stays_stopped_is_killed(children: Children) -> None:
    outcome = death(run(children, task("child_ends.stop_myself")))

    assert outcome.code == -signal.SIGKILL
    assert outcome.text.endswith("it was stopped by a signal, and did not go on when it was told to")


HALVES = {
    "a length": b"\x00\x00",
    "a message": b"\x00\x01\x00\x00abc",
    "a long message, which swallows the answer": b"\x0f\x00\x00\x00abc",
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES.keys())
@pytest.mark.parametrize("then_s", [0.0, FOREVER_S], ids=["returns", "goes on"])
def test_a_child_that_sends_half_a_message_is_killed(children: Children, half: bytes, then_s: float) -> None:
    outcome = death(run(children, task("child_ends.write_everywhere", half, then_s)))

    assert outcome.code == -signal.SIGKILL


def test_a_child_that_sends_half_a_message_after_its_answer_runs_nothing_more(children: Children) -> None:
    first = value(run(children, task("child_ends.write_everywhere_later", HALVES["a message"])))
    turn(children, until=lambda: children.idle == 0)

    assert value(run(children, task("pid"))) != first


def test_a_child_that_takes_nothing_more_is_killed(children: Children, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "is_stopped", lambda pid: False)
    pid = value(run(children, task("pid")))
    freeze(pid)
    monkeypatch.setattr(child, "PATIENCE", 3)

    outcome = death(run(children, task("length", os.urandom(4 * 2**20))))

    assert outcome.text.endswith("it does not take what the agent sends")


def test_who_moves_between_two_looks_is_not_given_up() -> None:
    one = Watch()

    assert [one.found(sign) for sign in ("-1", "-1", "-2", "-2", "-2", None, "-2")] == [1, 2, 1, 2, 3, 0, 1]


def test_children_that_send_and_take_much_are_left_alone(children: Children) -> None:
    assert value(run(children, task("length", os.urandom(20 * 2**20)))) == 20 * 2**20
    assert len(value(run(children, task("zeros", 20 * 2**20)))) == 20 * 2**20
