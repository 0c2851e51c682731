"""Where no process can be started, functions are told as not started, and running ones go on."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from child_tasks import FOREVER_S
from forkless_agent import boot
from handoff_worker.children import nursery
from handoff_worker.children.nursery import NoProcess
from handoff_worker.children.outcome import Finished, NotStarted
from handoff_worker.children.pool import Children
from support.children import Start, run, task, turn, value


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """As long as this exists, nothing can be forked."""
    return tmp_path / "full"


@pytest.fixture
def children(start: Start, monkeypatch: pytest.MonkeyPatch, full: Path) -> Children:
    monkeypatch.setattr(nursery, "_BOOT", boot(str(full)))
    return start()


def test_a_function_for_which_nothing_can_be_forked_is_not_started(children: Children, full: Path) -> None:
    full.touch()

    outcome = run(children, task("nothing"))

    assert outcome == NotStarted("f", "[Errno 11] Resource temporarily unavailable")
    assert children.unable == "[Errno 11] Resource temporarily unavailable"
    assert not children.running


def test_functions_that_run_where_nothing_can_be_forked_go_on(children: Children, full: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    children.start(task("builtins.open", str(tmp_path / "gate"), "rb", id="runs"))
    turn(children, until=lambda: not children.starting)
    full.touch()

    assert isinstance(run(children, task("nothing", id="refused")), NotStarted)

    assert list(children.running) == ["runs"]


def test_children_can_be_started_again_when_one_could_be(children: Children, full: Path) -> None:
    full.touch()
    run(children, task("nothing"))
    children.try_again()
    children.try_again()
    turn(children, until=lambda: not children._children)
    assert children.unable

    full.unlink()
    children.try_again()
    turn(children, until=lambda: not children.unable)

    assert children.idle == 0
    assert value(run(children, task("halve", 2))) == 1


def test_an_idle_child_is_proof_enough(children: Children, full: Path) -> None:
    run(children, task("nothing"))
    full.touch()
    children.unable = "before"

    children.try_again()

    assert children.unable == ""
    assert isinstance(run(children, task("nothing")), Finished)


def test_idle_children_can_be_ended_to_make_room(children: Children) -> None:
    run(children, task("nothing", id="one"), task("nothing", id="two"))
    assert children.idle == 2

    children.end_idle()

    assert children.idle == 0
    turn(children, until=lambda: not children._children)


def test_a_function_that_was_killed_before_it_could_be_started_has_died(children: Children, full: Path) -> None:
    full.touch()
    children.start(task("sleep", FOREVER_S))

    children.kill("f", "canceled")

    [outcome] = turn(children)
    assert not isinstance(outcome, NotStarted)


def test_functions_are_not_started_while_no_nursery_can_be(
    children: Children, full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = value(run(children, task("nursery_pid")))

    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as broken:
        broken.setattr(subprocess, "Popen", refuse)
        os.kill(process, signal.SIGKILL)
        turn(children, until=lambda: bool(children.unable))
        children.start(task("halve", 2))
        children.try_again()
        assert [type(outcome) for outcome in turn(children)] == [NotStarted]
        assert children.unable

    children.try_again()
    turn(children, until=lambda: not children.unable)
    assert value(run(children, task("halve", 2))) == 1


def test_children_that_cannot_be_started_at_all_say_so(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)

    with pytest.raises(NoProcess, match="no process can be started on this machine"):
        start()


def test_a_function_for_which_no_socket_can_be_had_is_not_started(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as full:
        full.setattr(socket, "socketpair", refuse)
        children.start(task("nothing"))
        assert children.poll() == [NotStarted("f", "[Errno 24] Too many open files")]

    assert value(run(children, task("halve", 2))) == 1


def test_a_nursery_that_ends_again_and_again_where_one_was_ready_is_no_reason_to_give_up(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = value(run(children, task("nursery_pid")))

    with monkeypatch.context() as broken:
        broken.setattr(nursery, "_BOOT", "raise SystemExit(7)")
        os.kill(process, signal.SIGKILL)
        turn(children, until=lambda: bool(children.unable))
        assert children.unable == "the process that forks all children exited with status 7, 3 times in a row"

    children.try_again()
    turn(children, until=lambda: not children.unable)
    assert value(run(children, task("halve", 2))) == 1
