"""Functions are kept to the memory that they have declared: who has more is told of, and nobody else."""

from __future__ import annotations

import contextlib
import select
from collections.abc import Callable, Iterator, Mapping
from math import inf
from pathlib import Path

import pytest

from handoff.ledger.exceeded import GPU_MEMORY
from handoff_worker.children import enforcing as module
from handoff_worker.children.child import Child
from handoff_worker.children.confine import UNBOUND
from handoff_worker.children.enforcing import Enforcer, MemorySeen, filled_s, most_gpu_memory, most_memory
from handoff_worker.children.outcome import Died
from handoff_worker.children.pool import Children
from handoff_worker.machine.gpu_use import DeviceUse
from handoff_worker.machine.own_groups import Group
from support.children import Start, run, task, value
from support.waiting import LIMIT_S

MB = 2**20

Gpus = Callable[[], Mapping[str, DeviceUse] | None]

LONG_S = 60
"""Nobody waits for its end."""


@contextlib.contextmanager
def enforcing(children: Children, gpus: Gpus | None = None) -> Iterator[tuple[Enforcer, list[MemorySeen]]]:
    found: list[MemorySeen] = []
    with contextlib.closing(Enforcer(children.living, found.append, gpus, only_gpus=gpus is not None)) as enforcer:
        yield enforcer, found


def first_found(children: Children, enforcer: Enforcer, found: list[MemorySeen], count: int = 1) -> MemorySeen:
    """Wait until so many are found."""
    while len(found) < count:
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


def test_the_driver_takes_some_of_a_gpu_for_each_process() -> None:
    assert most_gpu_memory(1000) == 1512 * MB
    assert most_gpu_memory(10_000) == 11_000 * MB


def test_what_functions_have_of_gpus_is_told_and_whether_it_is_too_much(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GPU_LOOK_S", 0.05)
    children = start()
    children.start(task("child_usage.hold_memory", 1, LONG_S, id="keeps", most_gpu_memory=600 * MB))
    children.start(task("child_usage.hold_memory", 1, LONG_S, id="takes", most_gpu_memory=600 * MB))
    children.start(task("child_usage.hold_memory", 1, LONG_S, id="none"))
    used_mb = {"keeps": 500, "takes": 700, "none": 9000}

    def gpus() -> dict[str, DeviceUse]:
        # Half of it on each of two.
        pids = {child.tasks[0].id: child.pid for child in children.living if child.tasks}
        by_process: dict[int, int | None] = {pid: used_mb[id] // 2 for id, pid in pids.items() if pid is not None}
        return {name: DeviceUse(10_000, 9000, by_process) for name in ("GPU-a", "GPU-b")}

    with enforcing(children, gpus) as (enforcer, found):
        first_found(children, enforcer, found, 2)

    assert {seen.id: (seen.used_mb, seen.resource, seen.is_too_much) for seen in found} == {
        "keeps": (500, GPU_MEMORY, False),
        "takes": (700, GPU_MEMORY, True),
    }


@pytest.fixture
def grouped(tmp_path: Path) -> Iterator[Child]:
    """A child in what looks like a control group, with a function that may have 100 MB."""
    for name in ("memory.max", "cpu.max"):
        (tmp_path / name).write_text("")
    child, theirs = Child.make(1, UNBOUND, lambda told: None, Group(tmp_path))
    child.tasks.append(task("small", most_memory=100 * MB))
    child.allow(child.tasks[0])
    with theirs, contextlib.closing(child):
        yield child


def test_what_may_have_more_is_not_laid_behind_what_may_have_less(grouped: Child) -> None:
    allowed = [grouped.may_run_behind(task("small", id="next", most_memory=mb * MB)) for mb in (99, 100, 101)]

    assert allowed == [True, True, False]


def test_what_may_have_other_processors_is_not_laid_behind_and_is_given_the_child_when_it_is_idle(
    grouped: Child, tmp_path: Path
) -> None:
    others = [task("small", id="next", most_memory=100 * MB, most_cpu=cpu) for cpu in (inf, 0.5)]
    assert [grouped.may_run_behind(other) for other in others] == [True, False]

    assert grouped.may_run(others[1])
    grouped.allow(others[1])

    assert (tmp_path / "cpu.max").read_text() == "50000 100000"
    assert [grouped.may_run_behind(other) for other in others] == [False, True]


@pytest.mark.parametrize(("oom", "exceeded"), [(1, 100 * MB), (0, None)])
def test_what_the_kernel_has_killed_for_its_memory_says_so(
    grouped: Child, tmp_path: Path, oom: int, exceeded: int | None
) -> None:
    (tmp_path / "memory.events").write_text(f"oom {oom}\noom_kill 1\n")

    [outcome] = grouped.last_outcomes(-9, "killed by signal 9 (SIGKILL)", 5, (), ())

    assert isinstance(outcome, Died)
    assert outcome.exceeded == exceeded


def test_no_function_is_given_a_child_that_has_kept_more_than_it_may_have(start: Start) -> None:
    children = start()
    first = run(children, task("child_usage.keep_memory", 150))

    there = run(children, task("child_usage.kept", most_memory=300 * MB))
    elsewhere = run(children, task("child_usage.kept", most_memory=100 * MB))

    assert first.took_s is not None
    assert [value(there), value(elsewhere)] == [1, 0]
