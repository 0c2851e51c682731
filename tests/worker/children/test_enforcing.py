"""Functions are kept to the memory that they have declared: who has more is told of, and nobody else."""

from __future__ import annotations

import contextlib
import select
from collections.abc import Iterator

import pytest

from handoff_worker.children.enforcing import Enforcer, Exceeded, filled_s, most_memory
from handoff_worker.children.pool import Children
from support.children import Start, run, task, value
from support.waiting import LIMIT_S

MB = 2**20

LONG_S = 60
"""Nobody waits for its end."""


@contextlib.contextmanager
def enforcing(children: Children) -> Iterator[tuple[Enforcer, list[Exceeded]]]:
    found: list[Exceeded] = []
    with contextlib.closing(Enforcer(children.living, found.append)) as enforcer:
        yield enforcer, found


def first_found(children: Children, enforcer: Enforcer, found: list[Exceeded]) -> Exceeded:
    while not found:
        ready = select.select([enforcer.fileno(), children.fileno()], [], [], LIMIT_S)[0]
        assert ready
        if children.fileno() in ready:
            assert children.poll() == []
        if enforcer.fileno() in ready:
            enforcer.drain()
    return found[0]


@pytest.mark.parametrize(("declared", "most"), [(100, 164), (640, 704), (1000, 1100)])
def test_it_may_have_a_tenth_more_or_64_mb(declared: int, most: int) -> None:
    assert most_memory(declared) == most * MB


def test_what_declares_none_may_have_any() -> None:
    assert most_memory(0) == float("inf")


@pytest.mark.parametrize(("room_mb", "pause"), [(0, 0), (1024, 0.25), (4096, 1), (100_000, 1)])
def test_the_more_it_may_still_take_the_later_it_is_looked_at_again(room_mb: int, pause: float) -> None:
    assert filled_s(room_mb * MB) == pause


def test_who_has_more_is_told_of_and_who_has_not_is_not(start: Start) -> None:
    children = start()
    children.start(task("child_usage.hold_memory", 150, LONG_S, id="keeps", most_memory=250 * MB))
    children.start(task("child_usage.hold_memory", 150, LONG_S, id="takes", most_memory=100 * MB))
    with enforcing(children) as (enforcer, found):
        exceeded = first_found(children, enforcer, found)

    assert exceeded.id == "takes"
    assert exceeded.used_mb in range(100, 220)
    assert {each.id for each in found} == {"takes"}


def test_memory_of_a_process_below_counts(start: Start) -> None:
    children = start()
    children.start(task("child_usage.lend_memory", 150, LONG_S, most_memory=120 * MB))
    with enforcing(children) as (enforcer, found):
        assert first_found(children, enforcer, found).used_mb > 120


def test_it_is_told_once(start: Start) -> None:
    children = start()
    children.start(task("child_usage.hold_memory", 150, LONG_S, id="one", most_memory=100 * MB))
    with enforcing(children) as (enforcer, found):
        first_found(children, enforcer, found)
        children.start(task("child_usage.hold_memory", 150, LONG_S, id="two", most_memory=100 * MB))
        del found[:]
        assert first_found(children, enforcer, found).id == "two"


def test_no_function_is_given_a_child_that_has_kept_more_than_it_may_have(start: Start) -> None:
    children = start()
    first = run(children, task("child_usage.keep_memory", 150))

    there = run(children, task("child_usage.kept", most_memory=300 * MB))
    elsewhere = run(children, task("child_usage.kept", most_memory=100 * MB))

    assert first.took_s is not None
    assert [value(there), value(elsewhere)] == [1, 0]
