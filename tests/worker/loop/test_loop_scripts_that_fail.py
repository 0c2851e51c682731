"""The agent's loop where scripts fail: what does not go is found, ended and told; all else goes on."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from handoff import FunctionFailed, Handle
from handoff.client.cluster import Cluster
from handoff.ledger.asking import ScriptBug
from support.agent_loop import LEASE_S, Loop
from support.roll_back import snapshot

SCRIPT_BUG = f"{ScriptBug.__module__}.{ScriptBug.__qualname__}"


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(cluster, monkeypatch)


def submit(loop: Loop, count: int = 1, **options: Any) -> list[Handle]:
    return [loop.cluster.enqueue("tasks:work", **options) for _ in range(count)]


def statuses(handles: list[Handle]) -> list[str]:
    return [handle.status for handle in handles]


def break_results(loop: Loop, handle: Handle, *kinds: str) -> None:
    """Have every call fail that brings a result of this function, of one of these kinds."""

    def breaks(script: str, *rest: Any, **given: Any) -> bool:
        values = [str(value) for value in rest]
        at = next((i for i, value in enumerate(values) if value.startswith(f"{handle.id}:")), None)
        return script == "finish" and at is not None and values[at + 1] in kinds

    loop.breaks = breaks


@pytest.mark.parametrize("which", [0, 1, 2])
def test_of_a_batch_that_fails_the_one_that_does_not_go_fails_and_the_others_are_stored(loop: Loop, which: int) -> None:
    handles = submit(loop, 3)
    loop.step()
    odd = next(handle for handle in handles if handle.id == loop.running()[which])
    break_results(loop, odd, "finished")
    for number in range(3):
        loop.finish(number)

    loop.step(12)

    assert sorted(statuses(handles)) == ["failed", "finished", "finished"]
    with pytest.raises(
        FunctionFailed, match="its result could not be stored: finish: a line that has failed"
    ) as caught:
        odd.result(1)
    assert caught.value.exception_type == SCRIPT_BUG


def test_one_that_can_neither_finish_nor_fail_counts_as_lost_and_the_others_are_stored(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    handles = submit(loop, 3, max_retries=0)
    loop.step()
    odd = handles[1]
    break_results(loop, odd, "finished", "failed")
    for number in range(3):
        loop.finish(number)

    loop.step(12)
    assert [odd.status for odd in handles] == ["finished", "started", "finished"]
    loop.pass_s(LEASE_S / 2)
    loop.step()

    assert odd.status == "failed"
    assert f"{odd.id} cannot be ended" in caplog.text


def test_a_script_that_has_failed_with_nothing_in_it_costs_no_result(loop: Loop) -> None:
    handles = submit(loop, 3)
    loop.step()
    loop.breaks = lambda script, *rest, **given: script == "finish"
    for number in range(3):
        loop.finish(number)
    for _ in range(20):
        loop.step()
        loop.pass_s(0.5)
    assert statuses(handles) == ["started"] * 3

    loop.breaks = lambda script, *rest, **given: False
    for _ in range(20):
        loop.step()
        loop.pass_s(0.5)

    assert statuses(handles) == ["finished"] * 3


def test_what_a_failing_script_has_noted_as_answered_is_not_delivered_twice(loop: Loop) -> None:
    handles = submit(loop, 3)
    loop.step()
    for number in range(3):
        loop.finish(number)
    loop.lose("late bug")

    loop.step(4)

    assert statuses(handles) == ["finished"] * 3
    assert not loop.agent._outbox


def test_a_take_that_fails_holds_up_neither_results_nor_heartbeats_and_is_tried_again(loop: Loop) -> None:
    first = submit(loop)
    loop.step()
    loop.breaks = lambda script, *rest, **given: script == "finish" and given["room"] > 0
    second = submit(loop)
    loop.finish()
    loop.calls()
    for _ in range(25):
        loop.pass_s(0.5)
        loop.step(3)
    assert (statuses(first), statuses(second)) == (["finished"], ["queued"])
    calls = loop.calls()
    assert "beat" in calls
    assert calls.count("finish") < 40  # of 75 steps

    loop.breaks = lambda script, *rest, **given: False
    for _ in range(20):
        loop.pass_s(0.5)
        loop.step(3)

    assert statuses(second) == ["started"]


@pytest.mark.parametrize("script", ["beat", "tick"])
def test_housekeeping_and_heartbeats_that_fail_hold_up_nothing_else(
    loop: Loop, script: str, caplog: pytest.LogCaptureFixture
) -> None:
    loop.breaks = lambda called, *rest, **given: called == script
    [handle] = submit(loop)
    loop.step(2)
    loop.finish()
    loop.step(2)
    assert handle.status == "finished"

    for _ in range(4):
        loop.pass_s(LEASE_S / 3)
        loop.step()

    assert loop.calls().count(script) >= 4
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1


def test_quiet_that_fails_is_said_again_until_it_is_heard(loop: Loop) -> None:
    loop.step()
    loop.agent.quiet()
    loop.lose("bug")
    loop.step()
    assert loop.calls().count("quiet") == 1

    loop.pass_s(1)
    loop.step()

    assert "quiet" in loop.calls()
    assert submit(loop)[0].status == "waiting"
    loop.agent.serve()
    loop.step(2)


def test_after_a_roll_back_what_cannot_be_told_is_left_out(loop: Loop) -> None:
    loop.step()
    handles = submit(loop, 2)
    bring_back = snapshot(loop.cluster)
    loop.pass_s(1)
    loop.step()
    loop.finish(0)
    loop.finish(1)
    loop.step(2)
    assert statuses(handles) == ["finished"] * 2
    bring_back()

    def breaks(script: str, *rest: Any, **given: Any) -> bool:
        return script == "recall" and any(str(value).startswith(f"{handles[0].id}:") for value in rest)

    loop.breaks = breaks
    for _ in range(40):
        loop.pass_s(0.5)
        loop.step()

    # Of the one nobody could be told; the agent knows it all the same when it is started once more.
    assert statuses(handles) == ["finished"] * 2


def test_a_registration_that_fails_is_tried_again(loop: Loop) -> None:
    loop.step()
    loop.pass_s(2 * LEASE_S)
    loop.lose("", "bug")
    loop.step()
    assert loop.calls()[-1] == "register"

    for _ in range(6):
        loop.pass_s(1)
        loop.step()

    [handle] = submit(loop)
    loop.pass_s(1)
    loop.step(2)
    assert handle.status == "started"


def test_an_agent_ends_although_its_farewell_fails(loop: Loop) -> None:
    loop.breaks = lambda script, *rest, **given: script == "deregister"
    loop.agent.stop()

    loop.run()

    assert "deregister" in loop.calls()
    loop.breaks = lambda script, *rest, **given: False
    loop.ledger.leave()
