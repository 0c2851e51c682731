"""A child keeps the count of threads that it began with; who asks for a new child gets one that nobody uses again."""

from __future__ import annotations

import os
from typing import Any

import pytest

from handoff.words.resources import UNIT
from handoff_worker.children.confine import binding, device_environment
from handoff_worker.children.pool import Children
from support.children import Start, run, task, value


def bound(cpu: int, name: str, *args: object, **fields: Any) -> Any:
    """Run a function that costs so many cores. -> its value"""
    environment = device_environment({}, False, cpu * UNIT, inherited={})
    return task(name, *args, binding=binding({}, environment), environment=environment, **fields)


@pytest.mark.parametrize(("one", "other"), [(2, 1), (1, 2)])
def test_a_function_of_another_count_of_threads_has_another_child(children: Children, one: int, other: int) -> None:
    pids = [value(run(children, bound(cpu, "pid"))) for cpu in (one, other, one, other)]
    counts = [value(run(children, bound(cpu, "environment", "OMP_NUM_THREADS"))) for cpu in (one, other)]

    assert pids[:2] == pids[2:]
    assert pids[0] != pids[1]
    assert counts == [[str(one)], [str(other)]]


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="with one processor there is one thread")
@pytest.mark.parametrize(("one", "other"), [(2, 1), (1, 2)])
def test_numeric_libraries_have_as_many_threads_as_the_function_has_cores(
    children: Children, one: int, other: int
) -> None:
    pytest.importorskip("numpy")
    threads = [value(run(children, bound(cpu, "child_threads.of_blas"))) for cpu in (one, other, one)]
    if None in threads:
        pytest.skip("this NumPy does not say how many threads it has")

    assert threads == [one, other, one]


def test_nothing_numeric_is_loaded_before_a_child_knows_its_count(children: Children) -> None:
    assert value(run(children, bound(2, "child_threads.loaded"))) is False


def test_a_function_that_asks_for_a_new_child_has_one_that_nobody_uses_again(children: Children) -> None:
    warm = value(run(children, task("pid")))

    fresh = [value(run(children, task("pid", is_isolated=True))) for _ in range(2)]

    assert len({warm, *fresh}) == 3
    assert value(run(children, task("pid"))) == warm
    assert children.idle == 1


def test_a_function_that_asks_for_a_new_child_starts_when_its_device_is_left(children: Children) -> None:
    gpu = binding({"gpu": [0]})
    warm = value(run(children, task("pid", binding=gpu)))

    assert value(run(children, task("is_alive", warm, binding=gpu, is_isolated=True))) is False


def test_a_new_child_of_a_function_that_failed_is_not_used_again(children: Children) -> None:
    run(children, task("fail", "no", is_isolated=True))

    assert children.idle == 0


def test_a_child_is_replaced_after_so_many_functions(start: Start) -> None:
    children = start(functions_limit=2)

    pids = [value(run(children, task("pid"))) for _ in range(4)]

    assert pids[0] == pids[1]
    assert pids[2] == pids[3]
    assert pids[0] != pids[2]
