"""What is handed to an agent with a hint runs once: when the hint is heard, or when an exchange tells of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.texts.handed import Handed
from support.agent_loop import LEASE_S, Loop
from support.ear import Ear, ear

TICK_S = 0.5


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(cluster, monkeypatch)


@pytest.fixture
def a(loop: Loop) -> Iterator[Ear]:
    with ear(loop.cluster, "a") as listening:
        loop.step()
        loop.calls()
        yield listening


def hand_over(loop: Loop, a: Ear) -> tuple[Handle, Handed]:
    handle = loop.cluster.enqueue("tasks:work", max_retries=0)
    [handed] = a.heard()
    return handle, handed


def test_it_runs_without_a_call_and_its_result_goes_out_with_the_next(loop: Loop, a: Ear) -> None:
    handle, handed = hand_over(loop, a)

    loop.commands.pass_on(handed)
    loop.step()
    assert (loop.calls(), loop.running()) == ([], [handle.id])
    loop.finish()
    loop.step()

    assert (loop.calls(), handle.status, loop.running()) == (["finish"], "finished", [handle.id])


def test_what_no_hint_was_heard_of_runs_after_the_next_tick(loop: Loop, a: Ear) -> None:
    handle, _ = hand_over(loop, a)

    loop.pass_s(TICK_S)
    loop.step()

    assert (loop.calls(), loop.running()) == (["tick", "finish"], [handle.id])


@pytest.mark.parametrize("is_over", [False, True])
def test_what_an_exchange_has_told_of_does_not_run_once_more_when_the_hint_is_heard(
    loop: Loop, a: Ear, is_over: bool
) -> None:
    handle, handed = hand_over(loop, a)
    loop.pass_s(TICK_S)
    loop.step()
    if is_over:
        loop.finish()
        loop.step()
    loop.calls()

    loop.commands.pass_on(handed)
    loop.step(2)

    assert (loop.running(), loop.calls()) == ([handle.id], [])


@pytest.mark.parametrize("fault", ["", "reply", "command"])
def test_what_was_heard_of_does_not_run_once_more_when_an_exchange_tells_of_it(loop: Loop, a: Ear, fault: str) -> None:
    handle, handed = hand_over(loop, a)
    loop.commands.pass_on(handed)
    loop.step()

    loop.lose("", fault)
    loop.pass_s(TICK_S)
    loop.step()
    loop.finish()
    loop.pass_s(TICK_S)
    loop.step(2)

    assert (loop.running(), handle.status) == ([handle.id], "finished")


def test_what_was_handed_over_when_an_exchange_had_no_answer_runs_once(loop: Loop, a: Ear) -> None:
    loop.pass_s(TICK_S)
    loop.lose("", "reply")
    loop.step()
    handle, handed = hand_over(loop, a)

    loop.commands.pass_on(handed)
    for _ in range(3):
        loop.step()
        loop.pass_s(TICK_S)

    assert loop.running() == [handle.id]


def test_heartbeats_leave_what_was_heard_of_alone(loop: Loop, a: Ear) -> None:
    handle, handed = hand_over(loop, a)
    loop.commands.pass_on(handed)

    for _ in range(4):
        loop.pass_s(LEASE_S / 3)
        loop.step()

    assert (loop.running(), loop.children.killed, handle.status) == ([handle.id], [], "started")


def test_that_it_has_begun_is_in_the_log_although_an_exchange_is_on_its_way(
    loop: Loop, a: Ear, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    handle, handed = hand_over(loop, a)
    loop.late = "answer"
    loop.commands.say(command="handoff-work")
    loop.step()

    loop.commands.pass_on(handed)
    loop.step()

    assert [record.getMessage() for record in caplog.records] == [f"started {handle.id} (tasks.work) on a"]


@pytest.mark.parametrize("wrong", [{"incarnation": "another"}, {"epoch": "1"}, {"op": 1}])
def test_what_was_handed_to_another_is_nothing_of_ours(loop: Loop, a: Ear, wrong: dict[str, Any]) -> None:
    _, handed = hand_over(loop, a)

    loop.commands.pass_on(handed._replace(**wrong))
    loop.step()

    assert loop.running() == []


@pytest.mark.parametrize("is_heard", [False, True])
def test_an_agent_that_is_told_to_end_runs_what_was_handed_to_it_first(loop: Loop, a: Ear, is_heard: bool) -> None:
    handle, handed = hand_over(loop, a)
    if is_heard:
        loop.commands.pass_on(handed)
    loop.children.returns_at_once = True

    loop.agent.stop()
    loop.run()

    assert handle.status == "finished"


def test_an_agent_that_falls_quiet_asks_once_for_what_was_handed_to_it(loop: Loop, a: Ear) -> None:
    loop.agent.quiet()

    for _ in range(3):
        loop.step()
        loop.pass_s(TICK_S)

    assert loop.calls().count("finish") == 1
