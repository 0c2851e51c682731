"""While an exchange is on its way the agent's loop does what needs no other call, and then goes on from there."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import NodeLost
from handoff.ledger.connection import SILENCE_S
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.functions import Functions
from support.agent import FakeAgent
from support.agent_loop import LEASE_S, Loop
from support.roll_back import snapshot

SLOTS = 4


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop(cluster, monkeypatch, slots=SLOTS)
    loop.step()
    loop.calls()
    loop.late = "answer"
    return loop


def submit(loop: Loop, count: int = 1, **options: Any) -> list[Handle]:
    return [loop.cluster.enqueue("tasks:work", **options) for _ in range(count)]


def statuses(handles: list[Handle]) -> list[str]:
    return [handle.status for handle in handles]


def begin(loop: Loop, count: int = 1, **options: Any) -> list[Handle]:
    """Have functions run there, and nothing be on its way."""
    handles = submit(loop, count, **options)
    loop.commands.say(command="handoff-work")
    loop.step()
    for _ in range(2):
        loop.arrive()
        loop.step()
    assert statuses(handles) == ["started"] * count
    loop.calls()
    return handles


def test_what_ends_while_an_exchange_is_on_its_way_goes_out_with_the_next(loop: Loop) -> None:
    handles = begin(loop, 4)
    loop.finish(0)
    loop.step()
    assert loop.calls() == ["finish"]

    loop.finish(1)
    loop.step()
    loop.finish(2)
    loop.step()
    assert (loop.calls(), statuses(handles).count("finished")) == ([], 1)
    loop.arrive()
    loop.step()

    assert (loop.calls(), statuses(handles).count("finished")) == (["finish"], 3)


def test_an_exchange_carries_half_of_what_is_at_hand_so_that_the_rest_can_follow(loop: Loop) -> None:
    handles = begin(loop, SLOTS)
    for number in range(SLOTS):
        loop.finish(number)
    finished = []

    for _ in range(3):
        loop.step()
        finished.append(statuses(handles).count("finished"))
        loop.arrive()

    assert finished == [2, 3, 4]


def test_what_was_started_and_has_not_begun_is_at_hand(loop: Loop) -> None:
    handles = begin(loop, SLOTS)
    handles += submit(loop, SLOTS)
    finished = []
    for number in range(SLOTS):
        loop.finish(number)

    for _ in range(2):
        loop.step()
        finished.append(statuses(handles).count("finished"))
        loop.arrive()

    assert finished == [2, 4]


def test_no_other_call_goes_while_an_exchange_is_on_its_way(loop: Loop) -> None:
    begin(loop)
    loop.finish(0)
    loop.step()
    loop.calls()

    loop.agent.quiet()
    loop.commands.say(command="handoff-beat")
    loop.pass_s(SILENCE_S / 2)
    loop.step(3)
    assert loop.calls() == []
    loop.arrive()
    loop.step()

    assert loop.calls() == ["quiet", "beat", "tick", "finish"]


def test_what_is_due_goes_before_the_next_exchange(loop: Loop) -> None:
    handles = begin(loop, 2)
    loop.finish(0)
    loop.step()
    loop.calls()

    loop.finish(1)
    loop.commands.say(command="handoff-beat")
    loop.step()
    loop.arrive()
    loop.step()

    assert loop.calls() == ["beat", "finish"]
    assert statuses(handles) == ["finished"] * 2


def test_what_an_answer_has_started_is_stopped_by_the_heartbeat_that_follows_it(loop: Loop) -> None:
    [handle] = submit(loop)
    loop.commands.say(command="handoff-work")
    loop.step()

    handle.cancel()
    loop.commands.say(command="handoff-beat")
    loop.step()
    loop.arrive()
    loop.step()

    assert [id.rpartition(":")[0] for id in loop.children.killed] == [handle.id]


def test_what_is_to_be_stopped_while_the_answer_that_starts_it_is_on_its_way_is_stopped_then(loop: Loop) -> None:
    handles = submit(loop, 2)
    loop.commands.say(command="handoff-work")
    loop.step()

    loop.commands.say(command="stop-job", job_id=handles[0].id)
    loop.step()
    loop.arrive()
    loop.step()

    assert [id.rpartition(":")[0] for id in loop.children.killed] == [handles[0].id]


def test_what_was_stopped_once_is_not_stopped_when_it_is_started_anew(loop: Loop) -> None:
    [handle] = submit(loop, job_id="again")
    loop.commands.say(command="handoff-work")
    loop.step()
    handle.cancel()
    loop.commands.say(command="stop-job", job_id="again")
    loop.step()
    loop.arrive()
    loop.step()
    loop.children.killed.clear()

    loop.finish(0)
    loop.step()
    loop.arrive()
    loop.step()
    handles = submit(loop, job_id="again", replace=True)
    loop.commands.say(command="handoff-work")
    loop.step()
    loop.arrive()
    loop.step()

    assert (statuses(handles), loop.children.killed) == (["started"], [])


def test_an_answer_that_does_not_come_is_asked_for_again_under_the_same_number(loop: Loop) -> None:
    [handle] = submit(loop, max_retries=0)
    loop.commands.say(command="handoff-work")
    loop.step()

    loop.pass_s(SILENCE_S - 0.1)
    loop.step()
    assert loop.calls() == ["finish"]
    loop.pass_s(0.2)
    loop.step()
    assert (loop.calls(), loop.running(), loop.commands.connected) == ([], [], False)
    loop.pass_s(1)
    loop.step()
    assert loop.calls() == ["finish"]
    loop.arrive()
    loop.step()

    assert (loop.running(), handle.status, handle.attempts) == ([handle.id], "started", 1)


def test_pauses_grow_while_exchanges_can_be_sent_and_are_not_answered(loop: Loop) -> None:
    submit(loop)
    loop.commands.say(command="handoff-work")
    loop.step()

    for pause_s in (0.2, 0.4, 0.8):
        loop.pass_s(SILENCE_S)
        loop.step()
        loop.calls()
        loop.pass_s(pause_s - 0.01)
        loop.step()
        assert loop.calls() == []
        loop.pass_s(0.02)
        loop.step()
        assert loop.calls() == ["finish"]


def test_a_hint_that_comes_while_an_exchange_is_on_its_way_is_not_lost(loop: Loop) -> None:
    begin(loop)
    loop.finish(0)
    loop.step()
    # Its answer was made before this came onto the queue.
    [handle] = submit(loop)
    loop.commands.say(command="handoff-work")
    loop.step()

    loop.arrive()
    loop.step()
    loop.arrive()
    loop.step()

    assert handle.id in loop.running()


def test_what_an_answer_has_started_begins_though_the_next_exchange_cannot_be_sent(loop: Loop) -> None:
    begin(loop, 2)
    [handle] = submit(loop)
    loop.finish(0)
    loop.step()
    loop.finish(1)
    loop.step()

    loop.arrive()
    loop.lose("command")
    loop.step()

    assert handle.id in loop.running()


def test_no_more_is_taken_than_there_are_children_for_what_was_started_and_has_not_begun(loop: Loop) -> None:
    loop.children.room, loop.children.starting = 1, 64
    submit(loop, 2)
    loop.commands.say(command="handoff-work")
    loop.step()
    loop.calls()

    loop.arrive()
    loop.step()

    assert (len(loop.running()), loop.calls()) == (1, [])


def test_the_next_exchange_takes_for_the_slots_that_the_last_answer_has_given_back(loop: Loop) -> None:
    handles = begin(loop, SLOTS)
    waiting = submit(loop, 2)
    for number in range(2):
        loop.finish(number)
        loop.step()
    loop.arrive()
    loop.step()

    assert (statuses(handles).count("finished"), statuses(waiting)) == (2, ["started"] * 2)


def test_the_next_results_are_on_their_way_before_leave_is_taken_of_the_last(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(loop, 2)
    order: list[str] = []
    settle = Functions.settle

    def note(functions: Functions, result: Result, answer: str) -> None:
        order.extend([*loop.calls(), "settle"])
        settle(functions, result, answer)

    monkeypatch.setattr(Functions, "settle", note)
    for number in range(2):
        loop.finish(number)
        loop.step()
    loop.calls()
    loop.arrive()
    loop.step()

    assert order == ["finish", "settle"]


def test_what_an_answer_has_started_begins_before_leave_is_taken_of_what_it_has_delivered(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    handles = begin(loop, SLOTS)
    handles += submit(loop)
    begun: list[int] = []
    settle = Functions.settle

    def note(functions: Functions, result: Result, answer: str) -> None:
        begun.append(len(loop.children.started))
        settle(functions, result, answer)

    monkeypatch.setattr(Functions, "settle", note)
    loop.finish(0)
    loop.step()
    loop.arrive()
    loop.step()

    assert sorted(statuses(handles)) == ["finished", *["started"] * SLOTS]
    assert begun == [SLOTS + 1]


def test_a_node_that_was_lost_while_an_exchange_was_on_its_way_kills_what_runs_and_registers_anew(loop: Loop) -> None:
    begin(loop, 2, max_retries=1)
    FakeAgent(loop.cluster.store, "b", {"cpu": 1}, lease_ms=10**7).register()
    loop.late = "call"
    loop.finish(0)
    loop.step()

    loop.pass_s(LEASE_S + 1)
    loop.arrive()
    loop.step()

    assert loop.calls() == ["finish", "register"]
    assert len(loop.children.killed) == 2


def test_after_a_roll_back_what_has_ended_is_told_before_the_next_exchange(loop: Loop) -> None:
    [handle] = begin(loop)
    bring_back = snapshot(loop.cluster)
    loop.finish(0)
    loop.step()
    loop.arrive()
    loop.step()
    assert handle.status == "finished"
    bring_back()
    loop.commands.say(command="handoff-work")
    loop.step()
    loop.calls()

    loop.arrive()
    loop.step()

    assert (loop.calls(), handle.status) == (["recall"], "finished")


def test_a_script_that_fails_in_an_exchange_on_its_way_costs_the_one_result_that_does_not_go(loop: Loop) -> None:
    handles = begin(loop, 3)
    odd = next(handle for handle in handles if handle.id == loop.running()[1])
    loop.breaks = lambda script, *rest, **given: (
        script == "finish" and any(str(value).startswith(f"{odd.id}:") for value in rest) and "finished" in rest
    )
    for number in range(3):
        loop.finish(number)

    for _ in range(8):
        loop.step()
        loop.arrive()

    assert sorted(statuses(handles)) == ["failed", "finished", "finished"]


def test_who_is_told_to_end_while_an_exchange_is_on_its_way_runs_and_delivers_what_that_has_started(loop: Loop) -> None:
    [handle] = submit(loop, max_retries=0)
    loop.commands.say(command="handoff-work")
    loop.step()

    loop.agent.stop()
    loop.step()
    loop.arrive()
    loop.step()
    assert loop.running() == [handle.id]
    loop.finish(0)
    loop.step()
    loop.arrive()
    loop.late = ""
    loop.run()

    assert (handle.status, handle.attempts) == ("finished", 1)
    assert loop.calls()[-1] == "deregister"


def test_a_second_signal_while_an_exchange_is_on_its_way_waits_for_its_answer_and_delivers_what_has_ended(
    loop: Loop,
) -> None:
    handles = begin(loop, 3, max_retries=0)
    loop.finish(1)
    loop.step()
    loop.finish(2)

    loop.agent.kill()
    loop.arrive()
    loop.late = ""
    loop.run()

    lost = next(handle for handle in handles if handle.id == loop.running()[0])
    assert sorted(statuses(handles)) == ["failed", "finished", "finished"]
    with pytest.raises(NodeLost, match="told to stop at once"):
        lost.result(0)


def test_a_second_signal_does_not_wait_for_a_server_that_is_silent_longer_than_that_may_be(loop: Loop) -> None:
    [handle] = begin(loop, max_retries=0)
    loop.finish(0)
    loop.step()

    loop.agent.kill()
    loop.run()

    assert handle.status == "finished"
    assert loop.calls()[-1] == "deregister"
