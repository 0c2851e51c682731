"""What nothing ends, and where nothing adopts: what functions leave running on a machine that helps less."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from child_tasks import alive
from handoff_worker.children import nursery
from handoff_worker.children.confine import binding
from handoff_worker.children.outcome import Finished
from handoff_worker.children.pool import Children
from support.children import Start, failure, run, task, turn, value
from support.waiting import wait_until

FREEZER = Path("/sys/fs/cgroup/freezer")


@pytest.fixture
def freezer() -> Iterator[Path]:
    """A control group that freezes: what is in there does not die when it is killed."""
    folder = FREEZER / f"handoff-{uuid.uuid4().hex}"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("control groups of version 1 are not to be had here")
    if not (folder / "freezer.state").exists():
        folder.rmdir()
        pytest.skip("control groups of version 1 are not to be had here")
    yield folder
    thaw(folder)
    wait_until(lambda: (folder / "cgroup.procs").read_text() == "", "nothing is left in it")
    folder.rmdir()


def thaw(folder: Path) -> None:
    (folder / "freezer.state").write_text("THAWED")


@pytest.mark.slow
def test_what_nothing_ends_is_told_and_its_device_goes_to_nobody_until_it_is_gone(
    children: Children, tmp_path: Path, freezer: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, gpu = tmp_path / "pid", binding({"gpu": [0]})
    failed = failure(run(children, task("child_leftovers.leave_frozen", str(path), str(freezer), binding=gpu)))
    pid = int(path.read_text())
    children.start(task("is_alive", pid, id="next", binding=gpu))
    elsewhere = value(run(children, task("is_alive", pid, id="elsewhere")))
    waits = "next" in children.running

    thaw(freezer)
    (outcome,) = turn(children)

    assert failed.message.startswith("no (nothing ends what it has left running: python")
    assert f"({pid})" in failed.message
    assert f"f has left running what nothing ends: python ({pid})" in " ".join(caplog.messages).replace(
        "python3", "python"
    )
    assert (elsewhere, waits, value(outcome)) == (True, True, False)


@pytest.mark.slow
def test_another_function_that_ends_meanwhile_is_not_held_up_by_what_nothing_ends(
    children: Children, tmp_path: Path, freezer: Path
) -> None:
    failure(run(children, task("child_leftovers.leave_frozen", str(tmp_path / "frozen"), str(freezer))))

    outcome = run(children, task("child_leftovers.leave_and_fail", "daemon", str(tmp_path / "pid"), id="g"))

    assert failure(outcome).message == "no"


@pytest.mark.slow
def test_a_nursery_that_dies_while_something_is_not_to_be_ended_is_replaced(
    children: Children, tmp_path: Path, freezer: Path
) -> None:
    gpu = binding({"gpu": [0]})
    first = value(run(children, task("nursery_pid")))
    frozen = task("child_leftovers.leave_frozen", str(tmp_path / "frozen"), str(freezer), binding=gpu)
    failure(run(children, frozen))

    os.kill(first, signal.SIGKILL)
    # It waits for the device, and is lost with the nursery.
    run(children, task("nothing", binding=gpu))

    assert value(run(children, task("nursery_pid", binding=gpu))) != first


@pytest.fixture
def alone(start: Start, monkeypatch: pytest.MonkeyPatch) -> Children:
    """Children on a system where no process adopts what others have lost."""
    adopts_not = "import handoff_worker.machine.processes as p; p.adopt_orphans = lambda: False; "
    head, _, tail = nursery._BOOT.partition("from ")
    monkeypatch.setattr(nursery, "_BOOT", f"{head}{adopts_not}from {tail}")
    return start()


alone_ways = pytest.mark.parametrize("way", ["plain", "own session", "lost by a shell"])


@alone_ways
def test_where_nothing_adopts_what_a_function_leaves_is_known_by_its_mark(
    alone: Children, tmp_path: Path, way: str
) -> None:
    outcome = run(alone, task("child_leftovers.leave", way, str(tmp_path / "pid")))

    assert isinstance(outcome, Finished)
    assert not alive(int((tmp_path / "pid").read_text()))


@alone_ways
def test_where_nothing_adopts_what_a_killed_function_has_started_is_known_by_its_mark(
    alone: Children, tmp_path: Path, way: str
) -> None:
    path = tmp_path / "pid"
    alone.start(task("child_leftovers.leave_and_wait", way, str(path)))
    turn(alone, until=path.exists)

    alone.kill("f", "canceled")
    turn(alone)

    assert not alive(int(path.read_text()))


def test_where_nothing_adopts_daemons_end_with_the_children_at_the_latest(alone: Children, tmp_path: Path) -> None:
    run(alone, task("child_leftovers.leave", "daemon", str(tmp_path / "pid")))

    alone.close()

    assert not alive(int((tmp_path / "pid").read_text()))


def test_where_nothing_adopts_a_child_that_has_waited_for_a_process_is_used_again(alone: Children) -> None:
    first = value(run(alone, task("child_leftovers.wait_for_a_process")))

    assert value(run(alone, task("pid"))) == first
