"""The agent's loop asks again for what it was not answered, in an order in which nothing is lost or run twice."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from support.agent_loop import LEASE_S, Loop

TICK_S = 0.5


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(cluster, monkeypatch)


def submit(loop: Loop, count: int = 1, **options: Any) -> list[Handle]:
    return [loop.cluster.enqueue("tasks:work", **options) for _ in range(count)]


def test_what_a_lost_answer_started_is_started_once(loop: Loop) -> None:
    [handle] = submit(loop)
    loop.lose("", "", "reply")
    loop.step()
    assert (loop.calls(), loop.running()) == (["beat", "tick", "finish"], [])

    loop.pass_s(1)
    loop.step(2)

    assert loop.calls()[0] == "finish"
    assert (loop.running(), handle.attempts) == ([handle.id], 1)


def test_what_a_lost_answer_started_is_asked_for_before_the_next_heartbeat(loop: Loop) -> None:
    [handle] = submit(loop, max_retries=0)
    loop.lose("", "", "reply")
    loop.step()
    loop.calls()

    loop.pass_s(LEASE_S / 2)
    loop.step()

    assert loop.calls()[:2] == ["finish", "beat"]
    assert (loop.running(), handle.status, handle.attempts) == ([handle.id], "started", 1)


def test_a_result_of_which_the_answer_was_lost_is_delivered_once(loop: Loop) -> None:
    [handle] = submit(loop)
    loop.step()
    loop.calls()
    loop.finish()
    loop.lose("reply")
    loop.step()
    assert (loop.calls(), handle.status) == (["finish"], "finished")

    loop.pass_s(1)
    loop.step()
    again = submit(loop)
    loop.pass_s(1)
    loop.step(2)

    assert loop.running() == [handle.id, again[0].id]


@pytest.mark.parametrize("fault", ["command", "reply"])
def test_results_that_come_while_an_answer_is_awaited_are_delivered_after_it(loop: Loop, fault: str) -> None:
    handles = submit(loop, 3)
    loop.step()
    loop.finish(0)
    loop.lose(fault)
    loop.step()

    loop.finish(1)
    loop.finish(2)
    loop.pass_s(1)
    loop.step(3)

    assert [handle.status for handle in handles] == ["finished"] * 3


def test_a_result_that_comes_with_the_next_heartbeat_is_not_lost_to_it(loop: Loop) -> None:
    [handle] = submit(loop, max_retries=0)
    loop.step()
    loop.calls()

    loop.finish()
    loop.pass_s(LEASE_S / 2)
    loop.step()

    assert loop.calls() == ["beat", "tick", "finish"]
    assert handle.status == "finished"


def test_a_heartbeat_tells_of_results_that_were_not_answered_for(loop: Loop) -> None:
    [handle] = submit(loop, max_retries=0)
    loop.step()
    loop.finish()
    loop.lose("command", "command")
    loop.step()
    loop.pass_s(LEASE_S / 2)

    loop.step()
    loop.pass_s(LEASE_S / 4)
    loop.step(2)

    assert loop.children.killed == []
    assert handle.status == "finished"


def test_between_the_calls_of_one_heartbeat_results_are_delivered(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Loop(cluster, monkeypatch, slots=100)
    handles = submit(loop, 100)
    while len(loop.running()) < len(handles):
        loop.step()
    loop.pass_s(LEASE_S / 2)
    loop.calls()
    loop.finish()
    loop.step(2)
    assert loop.calls() == ["beat", "tick", "finish", "beat"]

    loop.step(2)

    assert "beat" not in loop.calls()


def test_what_the_books_have_as_started_here_and_does_not_run_is_denied(loop: Loop) -> None:
    [handle] = submit(loop, max_retries=1)
    loop.step()
    loop.calls()
    loop.agent._functions._running.clear()

    loop.pass_s(LEASE_S / 2)
    loop.step()

    assert loop.calls()[:2] == ["beat", "deny"]
    assert (handle.status, handle.attempts) == ("delayed", 1)


def test_a_hint_makes_it_look_at_once(loop: Loop) -> None:
    loop.step(2)
    loop.calls()
    [handle] = submit(loop)
    loop.step()
    assert (loop.calls(), loop.running()) == ([], [])

    loop.commands.say(command="handoff-work")
    loop.step()

    assert (loop.calls(), loop.running()) == (["finish"], [handle.id])


def test_without_a_hint_it_looks_at_the_next_tick(loop: Loop) -> None:
    loop.step(2)
    loop.calls()
    [handle] = submit(loop)

    loop.pass_s(TICK_S)
    loop.step()

    assert (loop.calls(), loop.running()) == (["tick", "finish"], [handle.id])


def test_it_takes_no_more_than_its_slots_and_looks_again_when_one_is_free(loop: Loop) -> None:
    handles = submit(loop, 4) + submit(loop)
    loop.step(2)
    assert set(loop.running()) == {handle.id for handle in handles[:4]}
    loop.calls()

    loop.finish(2)
    loop.step(2)

    assert loop.running()[4:] == [handles[4].id]
    assert loop.calls() == ["finish"]


def test_whose_slots_are_all_taken_asks_for_nothing(loop: Loop) -> None:
    submit(loop, 4)
    loop.step(2)
    loop.calls()

    loop.commands.say(command="handoff-work")
    loop.step()

    assert loop.calls() == []


def test_what_it_could_not_take_for_lack_of_children_it_takes_when_there_are_some(loop: Loop) -> None:
    loop.children.room, loop.children.starting = 1, 64
    handles = submit(loop, 3)

    for count in (1, 2, 3):
        loop.step()
        assert len(loop.running()) == count

    assert set(loop.running()) == {handle.id for handle in handles}


def leave_over(loop: Loop) -> None:
    """More work than one call does: a node has room for many that wait."""
    for _ in range(150):
        loop.cluster.enqueue("tasks:work", cost={"cpu": 1})
    loop.cluster.register_node("large", {"cpu": 150})


def test_work_that_an_exchange_leaves_over_is_taken_up_at_once(loop: Loop) -> None:
    loop.step(2)
    leave_over(loop)
    loop.calls()

    loop.commands.say(command="handoff-work")
    loop.step(2)

    assert loop.calls()[:2] == ["finish", "tick"]


def test_work_that_a_tick_leaves_over_is_taken_up_at_once(loop: Loop) -> None:
    loop.agent.quiet()
    loop.step(2)
    leave_over(loop)
    loop.calls()

    loop.pass_s(TICK_S)
    loop.step(2)

    assert loop.calls() == ["tick", "tick"]


def test_a_node_that_falls_quiet_says_so_and_takes_nothing_more(loop: Loop) -> None:
    loop.step()
    loop.calls()
    loop.agent.quiet()
    loop.step()
    handles = submit(loop)

    loop.pass_s(TICK_S)
    loop.commands.say(command="handoff-work")
    loop.step()

    assert loop.calls() == ["quiet", "finish", "tick"]
    assert (loop.running(), handles[0].status) == ([], "waiting")


def test_a_node_that_falls_quiet_hands_all_of_its_queue_back(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop(cluster, monkeypatch, slots=150)
    loop.children.room, loop.children.starting = 0, 64
    handles = submit(loop, 150)

    loop.agent.quiet()
    loop.step()

    assert {handle.status for handle in handles} == {"waiting"}


def test_a_node_that_serves_again_takes_at_once_what_waited(loop: Loop) -> None:
    loop.step(2)
    loop.agent.quiet()
    loop.step()
    [handle] = submit(loop)
    loop.calls()

    loop.agent.serve()
    loop.step()

    assert (loop.calls(), loop.running()) == (["quiet", "finish"], [handle.id])


def test_one_to_which_nothing_is_handed_over_looks_by_itself_when_it_serves_again(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = Loop(cluster, monkeypatch, burst=True)
    [runs] = submit(loop)
    loop.step(2)
    loop.agent.quiet()
    loop.step()
    [waits] = submit(loop)
    loop.calls()

    loop.agent.serve()
    loop.step()

    assert (loop.calls(), loop.running()) == (["quiet", "finish"], [runs.id, waits.id])


def test_quiet_is_said_again_where_the_answer_was_lost(loop: Loop) -> None:
    loop.step()
    loop.calls()
    loop.agent.quiet()
    loop.lose("command")
    loop.step()

    loop.pass_s(1)
    loop.step()

    assert loop.calls()[:2] == ["quiet", "quiet"]
    assert submit(loop)[0].status == "waiting"
    loop.agent.serve()
    loop.step(2)


def test_what_is_to_be_stopped_is_killed_at_the_next_heartbeat(loop: Loop) -> None:
    [handle] = submit(loop)
    loop.step()

    handle.cancel()
    loop.pass_s(LEASE_S / 2)
    loop.step()

    assert [id.rpartition(":")[0] for id in loop.children.killed] == [handle.id]


def test_a_command_to_stop_a_job_kills_it_at_once_and_no_other(loop: Loop) -> None:
    handles = submit(loop, 2)
    loop.step()
    loop.calls()

    loop.commands.say(command="stop-job", job_id=handles[0].id)
    loop.step()

    assert [id.rpartition(":")[0] for id in loop.children.killed] == [handles[0].id]


def test_what_its_children_have_worked_is_told_to_rq_at_the_next_heartbeat(loop: Loop) -> None:
    loop.step()
    loop.children.worked_s = 12.3456

    loop.pass_s(LEASE_S / 2)
    loop.step()

    worker = loop.cluster.store.keys("rq_worker", f"{loop.cluster.namespace}.a")
    assert loop.cluster.connection.hget(worker, "total_working_time") == b"12.346"


def test_where_its_node_was_deregistered_an_agent_names_that_among_the_causes(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.step()
    loop.cluster.deregister_node("a")

    loop.pass_s(LEASE_S / 2)
    loop.step()

    [told] = [record.getMessage() for record in caplog.records if "no longer this agent's" in record.getMessage()]
    assert "(lease over, deregistered, or Redis emptied)" in told
