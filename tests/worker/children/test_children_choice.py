"""Which child runs what: warm ones are used again, and none comes near a device that another may still hold."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import psutil
import pytest

from child_tasks import FOREVER_S, alive
from handoff_worker.children.confine import binding
from handoff_worker.children.outcome import Died, Finished
from handoff_worker.children.pool import Children
from support.children import Start, death, run, task, turn, value
from support.waiting import wait_until


def test_a_warm_child_is_used_again(children: Children) -> None:
    first = value(run(children, task("pid")))

    assert value(run(children, task("pid"))) == first
    assert children.idle == 1


def test_it_is_counted_how_long_functions_have_run_all_together(children: Children) -> None:
    began_s = time.monotonic()

    run(children, task("halve", 2), task("halve", 4, id="g"))
    first_s = children.worked_s
    run(children, task("halve", 2))

    assert 0 < first_s < children.worked_s < 2 * (time.monotonic() - began_s)


def test_a_child_that_has_answered_before_anybody_heard_of_its_fork_is_used_again(
    children: Children, monkeypatch: pytest.MonkeyPatch
) -> None:
    late: list[list[Any]] = []
    hear = children._children.nursery.hear

    def hear_later() -> list[list[Any]]:
        late.extend(hear())
        return []

    def is_forked() -> bool:
        children.poll()
        return any(report[0] == "forked" for report in late)

    monkeypatch.setattr(children._children.nursery, "hear", hear_later)
    first = value(run(children, task("pid")))
    wait_until(is_forked, "the news of the fork")
    monkeypatch.undo()

    for report in late:
        children._take_report(report)

    assert value(run(children, task("pid"))) == first


@pytest.mark.slow
def test_functions_at_the_same_time_have_children_of_their_own(start: Start) -> None:
    children = start(idle_limit=20)

    first = {value(outcome) for outcome in run(children, *(task("pid", id=f"a{i}") for i in range(20)))}
    second = {value(outcome) for outcome in run(children, *(task("pid", id=f"b{i}") for i in range(20)))}

    assert len(first) == 20
    assert second <= first


@pytest.mark.slow
def test_children_of_different_bindings_are_never_the_same_process(children: Children) -> None:
    bindings = [binding({}), binding({"gpu": [0]}), binding({"gpu": [1]})]

    first = [value(run(children, task("pid", binding=each))) for each in bindings]
    second = [value(run(children, task("pid", binding=each))) for each in bindings]

    assert len(set(first)) == 3
    assert second == first


def test_a_child_is_gone_before_its_device_goes_to_another(children: Children) -> None:
    one = value(run(children, task("pid", binding=binding({"gpu": [0]}))))
    bystander = value(run(children, task("pid", binding=binding({"gpu": [2]}))))

    seen = run(children, task("is_alive", one, binding=binding({"gpu": [0, 1]})))

    assert value(seen) is False
    assert alive(bystander)


def test_a_child_that_ends_for_another_reason_is_gone_before_its_device_is_used_again(start: Start) -> None:
    children = start(functions_limit=1)
    gpu = binding({"gpu": [0]})
    spent = value(run(children, task("pid", binding=gpu)))

    assert value(run(children, task("is_alive", spent, binding=gpu))) is False


def test_nothing_starts_on_a_device_that_a_dying_child_may_still_hold(children: Children) -> None:
    gpu = binding({"gpu": [0]})
    run(children, task("nothing", id="one", binding=gpu), task("nothing", id="two", binding=gpu), task("nothing"))
    nursery_process = value(run(children, task("nursery_pid")))
    children.start(task("sleep", FOREVER_S, id="doomed", binding=gpu))
    os.kill(nursery_process, signal.SIGSTOP)

    children.kill("doomed", "canceled")
    children.start(task("nothing", id="next", binding=gpu))
    for _ in range(20):
        run(children, task("nothing", id="elsewhere"))

    assert set(children.running) == {"doomed", "next"}
    os.kill(nursery_process, signal.SIGCONT)
    assert [type(outcome) for outcome in (*turn(children), *turn(children))] == [Died, Finished]


def test_a_function_that_waits_for_a_device_can_be_killed(start: Start) -> None:
    children = start()
    one = value(run(children, task("pid", binding=binding({"gpu": [0]}))))
    children.start(task("pid", binding=binding({"gpu": [0, 1]})))

    assert children.kill("f", "canceled")

    assert death(turn(children)[0]).text == "killed by signal 9 (SIGKILL): canceled"
    wait_until(lambda: not alive(one), "the child that was in its way is gone")


@pytest.mark.slow
def test_of_too_many_idle_children_the_oldest_is_ended(start: Start) -> None:
    children = start(idle_limit=2)
    bindings = [binding({"gpu": [index]}) for index in range(3)]

    first, second, third = (value(run(children, task("pid", binding=each))) for each in bindings)

    assert children.idle == 2
    wait_until(lambda: not alive(first), "the oldest child is gone")
    assert alive(second)
    assert alive(third)


@pytest.mark.slow
def test_a_child_is_ended_after_so_many_functions(start: Start) -> None:
    children = start(functions_limit=2)

    one, same, other = (value(run(children, task("pid"))) for _ in range(3))

    assert same == one
    assert other != one


@pytest.mark.slow
def test_a_child_that_has_grown_is_not_used_again(start: Start) -> None:
    children = start(growth_limit=60 * 2**20)

    large = value(run(children, task("grow", 200)))
    grown = value(run(children, task("grow", 100)))
    fresh = value(run(children, task("grow", 1)))

    assert grown == large
    assert fresh != large


def test_an_idle_child_that_has_died_is_not_given_a_function(children: Children) -> None:
    first = value(run(children, task("pid")))
    psutil.Process(first).kill()
    wait_until(lambda: not alive(first), "the idle child is dead")

    assert value(run(children, task("pid"))) != first


def test_an_id_that_runs_cannot_be_started_again(children: Children) -> None:
    children.start(task("sleep", FOREVER_S))

    with pytest.raises(ValueError, match="'f' is running already"):
        children.start(task("nothing"))

    assert list(children.running) == ["f"]
