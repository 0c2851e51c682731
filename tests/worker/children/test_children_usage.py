"""What functions have used comes with their outcomes, as far as anybody knows it."""

from __future__ import annotations

import pytest

from handoff_worker.children.outcome import Failed, Finished
from handoff_worker.children.pool import Children
from support.children import Start, death, run, task


def finished(children: Children, name: str, *args: object) -> Finished:
    outcome = run(children, task(name, *args))
    assert isinstance(outcome, Finished)
    return outcome


def memory_of(children: Children, name: str, *args: object) -> int:
    memory_mb = finished(children, name, *args).memory_mb
    assert memory_mb is not None
    return memory_mb


def test_memory_that_a_function_gives_back_is_its_own_alone(start: Start) -> None:
    children = start(idle_limit=1)
    before = memory_of(children, "child_usage.take_memory", 0)

    assert memory_of(children, "child_usage.take_memory", 100) in range(before + 90, before + 120)
    assert memory_of(children, "sleep", 0.01) < before + 20


def test_what_a_warm_child_has_kept_is_counted_with_the_next(start: Start) -> None:
    children = start(idle_limit=1)
    before = memory_of(children, "child_usage.keep_memory", 0)
    run(children, task("child_usage.keep_memory", 100))

    assert memory_of(children, "sleep", 0.01) > before + 90


def test_of_a_function_that_sleeps_the_time_is_not_one_of_processors(children: Children) -> None:
    outcome = finished(children, "sleep", 0.2)

    assert outcome.took_s is not None
    assert outcome.cpu_s is not None
    assert outcome.took_s >= 0.2
    assert outcome.cpu_s < outcome.took_s


def test_of_one_whose_process_died_it_is_known_how_long_it_ran(children: Children) -> None:
    died = death(run(children, task("child_ends.exit_at_once", 3)))

    assert died.took_s is not None
    assert died.took_s > 0


@pytest.mark.slow
def test_of_one_that_was_killed_at_its_limit_all_but_the_time_of_processors_is_known(start: Start) -> None:
    outcome = run(start(grace_s=0.1), task("sleep_deaf", 3600, timeout=1))

    assert isinstance(outcome, Failed)
    assert (outcome.took_s or 0) >= 1
    assert (outcome.memory_mb or 0) > 10
    assert outcome.cpu_s is None
