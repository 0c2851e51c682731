"""What is taken back from a child that takes something meanwhile: what it has begun stays, wherever that lay."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from handoff_worker.children.child import Child
from handoff_worker.children.confine import UNBOUND
from handoff_worker.children.task import Task
from handoff_worker.inside.wire import LARGEST_PACKET
from support.children import task


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """One with a, b and c in its tray, of which it takes b while somebody takes back what lies there."""
    child, theirs = Child.make(1, UNBOUND, lambda told: None)
    give(child, *(task("nothing", id=id) for id in "abc"))
    monkeypatch.setattr(child.tray, "take_back", lambda take_back=child.tray.take_back: without_b(take_back()))
    yield child
    child.close()
    theirs.close()


def give(child: Child, *tasks: Task) -> None:
    child.tasks += tasks
    child.give(tasks[0].packed())
    for each in tasks[1:]:
        assert child.tray.lay(each.packed())


def without_b(laid: list[bytes | None]) -> list[bytes | None]:
    return [packed for packed in laid if packed is None or Task.id_in(packed) != "b"]


def ids(tasks: list[Task]) -> str:
    return "".join(task.id for task in tasks)


def lies_in(child: Child) -> str:
    """What lies in the tray, which is empty then."""
    return "".join("L" if packed is None else Task.id_in(packed) for packed in child.tray.take_back())


@pytest.mark.parametrize("keep", [0, 1])
def test_what_lay_before_what_it_has_begun_is_taken_back_too(child: Child, keep: int) -> None:
    assert ids(child.take_back(keep)) == "ac"

    assert (ids([*child.tasks]), lies_in(child)) == ("b", "")


def test_what_is_kept_stands_behind_what_it_has_begun(child: Child) -> None:
    assert ids(child.take_back(2)) == "c"

    assert (ids([*child.tasks]), lies_in(child)) == ("ba", "a")


@pytest.mark.parametrize(("id", "returned", "left"), [("a", "c", "ba"), ("b", "ac", "b"), ("c", "", "bac")])
def test_behind_one_that_it_has_begun_all_is_taken_back(child: Child, id: str, returned: str, left: str) -> None:
    assert ids(child.take_back_behind(id)) == returned
    assert ids([*child.tasks]) == left


@pytest.mark.parametrize(("id", "is_out", "left"), [("a", True, "bc"), ("b", False, "bac"), ("c", True, "ba")])
def test_one_that_it_has_not_begun_is_taken_out_wherever_it_lay(child: Child, id: str, is_out: bool, left: str) -> None:
    assert child.take_out(id) == is_out

    assert (ids([*child.tasks]), lies_in(child)) == (left, left[1:])


def test_what_lay_before_what_it_has_begun_is_not_its_first_any_more(child: Child) -> None:
    assert not child.is_first("a")
    assert child.is_first("b")


def test_what_comes_by_the_channel_is_left_to_a_child_that_goes_on() -> None:
    child, theirs = Child.make(1, UNBOUND, lambda told: None)
    theirs.setblocking(False)
    give(child, task("length", os.urandom(2 * LARGEST_PACKET), id="large"), task("nothing", id="d"))

    assert ids(child.take_back()) == "d"
    assert not child.take_out("large")
    assert lies_in(child) == "L"

    child.tray.lay(None)
    assert ids(child.take_back(ends=True)) == "large"
    child.close()
    theirs.close()
