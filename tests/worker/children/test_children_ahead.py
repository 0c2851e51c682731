"""Brief functions are given to a child before it has answered for the last; what has not begun does not suffer."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from handoff_worker.children import brief as brief_module
from handoff_worker.children import child as child_module
from handoff_worker.children.brief import ENOUGH
from handoff_worker.children.confine import binding
from handoff_worker.children.outcome import Died, Finished, Outcome
from handoff_worker.children.pool import Children
from handoff_worker.children.task import Task
from handoff_worker.inside.wire import LARGEST_PACKET
from support.children import Start, death, failure, run, task, turn, value
from support.processes import freeze
from support.waiting import LIMIT_S, wait_until


def brief(name: str, *args: object, id: str = "f", **fields: Any) -> Task:
    """Build the task of a function that is known to be brief."""
    return task(name, *args, id=id, hash={"h_code": "brief"}, **fields)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends is brief, and nobody waits for too long, however slow the machine is."""
    monkeypatch.setattr(brief_module, "BRIEF_S", LIMIT_S)
    monkeypatch.setattr(child_module, "BEHIND_S", LIMIT_S)


@pytest.fixture
def children(start: Start) -> Children:
    return known(start())


def known(children: Children) -> Children:
    """Let a child run what is brief from then on."""
    for _ in range(ENOUGH):
        run(children, brief("nothing"))
    return children


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """What the first function waits for."""
    yield tmp_path / "file"
    (tmp_path / "file").touch()


def begin(children: Children, file: Path, name: str = "wait_for", **fields: Any) -> int:
    """Start a function that waits for the file. -> its process, when it has begun"""
    children.start(brief(f"child_brief.{name}", str(file), id="first", **fields))
    begun = Path(f"{file}.begun")
    assert turn(children, until=begun.exists) == []
    return int(begun.read_text())


def ended(children: Children, count: int) -> dict[str, Outcome]:
    """Wait until so many have ended."""
    outcomes: dict[str, Outcome] = {}
    while len(outcomes) < count:
        outcomes |= {outcome.id: outcome for outcome in turn(children)}
    return outcomes


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_brief_functions_run_in_the_child_that_runs_one_and_in_their_order(
    children: Children, file: Path, tmp_path: Path
) -> None:
    child = begin(children, file)
    for number in range(3):
        children.start(brief("child_brief.write_line", str(tmp_path / "lines"), id=str(number)))
    waiting = lines(tmp_path / "lines")

    file.touch()

    outcomes = ended(children, 4)
    assert waiting == 0
    assert [value(outcome) for outcome in outcomes.values()] == [child] * 4
    assert list(outcomes) == ["first", "0", "1", "2"]
    assert children.idle == 1


def test_what_waits_behind_a_function_that_is_not_brief_after_all_is_begun_in_another_child(
    children: Children, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = begin(children, file)
    for number in range(3):
        children.start(brief("pid", id=str(number)))

    monkeypatch.setattr(child_module, "BEHIND_S", 0.0)
    children.expire(children.next_deadline())
    outcomes = ended(children, 3)

    assert set(outcomes) == {"0", "1", "2"}
    assert child not in [value(outcome) for outcome in outcomes.values()]
    file.touch()
    assert value(turn(children)[0]) == child


def test_what_is_not_known_to_be_brief_has_a_child_of_its_own(children: Children, file: Path) -> None:
    child = begin(children, file)

    assert value(run(children, task("pid", hash={"h_code": "other"}))) != child
    assert value(run(children, task("pid"))) != child


def test_what_is_bound_to_a_device_has_a_child_of_its_own(children: Children, file: Path) -> None:
    gpu = binding({"gpu": [0]})
    child = begin(children, file, binding=gpu)

    assert value(run(children, brief("pid", binding=gpu))) != child


def test_what_asks_for_a_new_child_or_has_another_count_of_threads_is_not_laid_behind_others(
    children: Children, file: Path
) -> None:
    child = begin(children, file)

    assert value(run(children, brief("pid", is_isolated=True))) != child
    assert value(run(children, brief("pid", binding=binding({}, {"OMP_NUM_THREADS": "2"})))) != child


def test_what_is_large_is_not_laid_behind_others(children: Children, file: Path) -> None:
    begin(children, file)

    assert value(run(children, brief("length", os.urandom(LARGEST_PACKET)))) == LARGEST_PACKET


def test_as_many_children_run_brief_functions_as_there_are_processors(start: Start, file: Path) -> None:
    children = known(start(processors=2))
    child = begin(children, file)

    other = value(run(children, brief("pid")))

    assert other != child
    room = children.room
    children.start(brief("pid", id="g"))
    assert children.room < room
    assert value(turn(children)[0]) == other


# Ends.


def test_of_a_child_that_dies_all_that_had_not_begun_runs_once_elsewhere(
    children: Children, file: Path, tmp_path: Path
) -> None:
    child = begin(children, file)
    for number in range(3):
        children.start(brief("child_brief.write_line", str(tmp_path / "lines"), id=str(number)))

    os.kill(child, signal.SIGKILL)

    outcomes = ended(children, 4)
    assert outcomes.pop("first") == Died("first", -9, "killed by signal 9 (SIGKILL)")
    assert child not in [value(outcome) for outcome in outcomes.values()]
    assert lines(tmp_path / "lines") == 3


def test_a_function_that_ends_its_child_costs_none_before_it_its_result_and_none_behind_it_an_attempt(
    children: Children, file: Path, tmp_path: Path
) -> None:
    begin(children, file)
    children.start(brief("child_brief.wait_and_exit", str(file), id="exits"))
    children.start(brief("child_brief.write_line", str(tmp_path / "lines"), id="behind"))

    file.touch()

    outcomes = ended(children, 3)
    assert isinstance(outcomes["first"], Finished)
    assert outcomes["exits"] == Died("exits", 3, "exited with status 3")
    assert isinstance(outcomes["behind"], Finished)
    assert lines(tmp_path / "lines") == 1


def test_what_had_not_begun_outlives_the_nursery(children: Children, file: Path, tmp_path: Path) -> None:
    nursery = value(run(children, brief("nursery_pid")))
    begin(children, file)
    children.start(brief("child_brief.write_line", str(tmp_path / "lines"), id="behind"))

    os.kill(nursery, signal.SIGKILL)

    outcomes = ended(children, 2)
    assert isinstance(outcomes["first"], Died)
    assert isinstance(outcomes["behind"], Finished)
    assert lines(tmp_path / "lines") == 1


@pytest.mark.parametrize("name", ["wait_and_spoil", "wait_and_leave"])
def test_where_a_function_has_spent_its_child_what_was_laid_behind_it_runs_in_another(
    children: Children, file: Path, tmp_path: Path, name: str
) -> None:
    child = begin(children, file, name)
    children.start(brief("child_brief.write_line", str(tmp_path / "lines"), id="behind"))

    file.touch()

    outcomes = ended(children, 2)
    assert value(outcomes["first"]) == child
    assert value(outcomes["behind"]) != child
    assert lines(tmp_path / "lines") == 1


def test_where_a_child_has_run_all_that_it_may_what_was_laid_behind_runs_in_another(start: Start, file: Path) -> None:
    children = known(start(functions_limit=ENOUGH + 1))
    child = begin(children, file)
    for number in range(3):
        children.start(brief("nothing", id=str(number)))

    file.touch()
    ended(children, 4)

    wait_until(lambda: not Path(f"/proc/{child}").exists(), "the child that was used up is gone")


def test_what_cannot_be_imported_is_tried_in_a_new_child_and_what_was_laid_behind_it_runs(
    children: Children, file: Path
) -> None:
    begin(children, file)
    children.start(brief("no_such_module.nothing", id="missing"))
    children.start(brief("nothing", id="behind"))

    file.touch()

    outcomes = ended(children, 3)
    assert not failure(outcomes["missing"]).begun
    assert isinstance(outcomes["behind"], Finished)


# Somebody ends them.


def test_a_function_that_is_killed_takes_nothing_along_that_had_not_begun(
    children: Children, file: Path, tmp_path: Path
) -> None:
    child = begin(children, file)
    children.start(brief("child_brief.write_line", str(tmp_path / "lines"), id="behind"))

    assert children.kill("first", "canceled")

    outcomes = ended(children, 2)
    assert death(outcomes["first"]).text == "killed by signal 9 (SIGKILL): canceled"
    assert value(outcomes["behind"]) != child
    assert lines(tmp_path / "lines") == 1


def test_a_function_that_is_killed_before_it_has_begun_never_begins_and_nobody_dies(
    children: Children, file: Path, tmp_path: Path
) -> None:
    child = begin(children, file)
    children.start(brief("child_brief.write_line", str(tmp_path / "lines"), id="unwanted"))
    children.start(brief("pid", id="behind"))

    assert children.kill("unwanted", "canceled")
    file.touch()

    outcomes = ended(children, 3)
    assert outcomes["unwanted"] == Died("unwanted", None, "canceled")
    assert value(outcomes["first"]) == value(outcomes["behind"]) == child
    assert lines(tmp_path / "lines") == 0


def test_of_several_that_are_killed_none_begins_in_the_place_of_another(
    children: Children, file: Path, tmp_path: Path
) -> None:
    begin(children, file)
    for number in range(3):
        children.start(brief("child_brief.write_line", str(tmp_path / "lines"), id=str(number)))

    assert set(children.kill_all(["first", "0", "1", "2", "nobody"], "its node was lost")) == {"first", "0", "1", "2"}

    assert all(isinstance(outcome, Died) for outcome in ended(children, 4).values())
    assert lines(tmp_path / "lines") == 0


def test_a_function_that_is_killed_when_it_has_answered_has_its_result_and_the_next_goes_on(
    children: Children, file: Path, tmp_path: Path
) -> None:
    child = begin(children, file)
    children.start(brief("child_brief.wait_for", str(tmp_path / "next"), id="next"))
    children.start(brief("pid", id="last"))
    file.touch()
    wait_until((tmp_path / "next.begun").exists, "the next has begun, and nobody has heard of it")

    assert children.kill("first", "canceled")
    (tmp_path / "next").touch()

    outcomes = ended(children, 3)
    assert value(outcomes["first"]) == value(outcomes["next"]) == child
    assert isinstance(outcomes["last"], Finished)


def test_a_function_that_is_killed_when_it_has_begun_behind_another_dies_alone(
    children: Children, file: Path, tmp_path: Path
) -> None:
    child = begin(children, file)
    children.start(brief("child_brief.wait_for", str(tmp_path / "next"), id="next"))
    file.touch()
    wait_until((tmp_path / "next.begun").exists, "the next has begun, and nobody has heard of it")

    assert children.kill("next", "canceled")

    outcomes = ended(children, 2)
    assert value(outcomes["first"]) == child
    assert death(outcomes["next"]).text == "killed by signal 9 (SIGKILL): canceled"


def test_a_function_that_is_past_its_limit_takes_nothing_along_that_had_not_begun(
    children: Children, file: Path
) -> None:
    child = begin(children, file, timeout=100)
    children.start(brief("pid", id="behind"))
    deadline = children._running["first"].deadline

    children.expire(deadline)

    outcomes = ended(children, 2)
    assert failure(outcomes["first"]).exception_type == "rq.timeouts.JobTimeoutException"
    assert value(outcomes["behind"]) != child


def test_the_limit_of_a_function_counts_from_the_answer_of_the_one_before_it(children: Children, file: Path) -> None:
    begin(children, file)
    children.start(brief("child_brief.wait_for", f"{file}2", id="next", timeout=100))
    before = children._running["next"].deadline

    file.touch()
    turn(children)

    assert before == float("inf")
    assert children._running["next"].deadline < float("inf")
    Path(f"{file}2").touch()
    ended(children, 1)


def test_what_has_not_begun_behind_another_can_be_taken_back_and_what_stays_runs(
    children: Children, file: Path, tmp_path: Path
) -> None:
    child = begin(children, file)
    children.start(brief("child_brief.write_line", str(tmp_path / "lines"), id="unwanted"))
    children.start(brief("pid", id="stays"))

    assert children.withdraw("unwanted")
    assert not children.withdraw("first")
    file.touch()

    outcomes = ended(children, 2)
    assert set(outcomes) == {"first", "stays"}
    assert value(outcomes["stays"]) == child
    assert lines(tmp_path / "lines") == 0


def test_what_an_idle_child_was_given_and_had_not_begun_when_it_was_killed_never_begins(
    children: Children, tmp_path: Path
) -> None:
    child = value(run(children, brief("pid")))
    freeze(child)
    children.start(brief("child_brief.write_line", str(tmp_path / "lines"), id="unwanted"))

    children.kill("unwanted", "canceled")

    assert isinstance(turn(children)[0], Died)
    assert list(children.running) == []
    assert lines(tmp_path / "lines") == 0
