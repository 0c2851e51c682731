"""How an agent ends that was told to: what it says before, what that costs, and what is still delivered."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import NodeLost
from handoff_worker.agent.ending import DELIVERY_S
from support.agent_loop import Loop

GRACE_S = 3.0

Start = Callable[..., Loop]


@pytest.fixture
def start(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Start:
    """Start an agent, with any grace."""
    caplog.set_level(logging.INFO)

    def start(grace_s: float = GRACE_S) -> Loop:
        loop = Loop(cluster, monkeypatch, slots=8, grace_s=grace_s)
        loop.step()
        return loop

    return start


def begin(loop: Loop, code: str = "tasks:work", max_retries: int = 0) -> Handle:
    """Have a function run there."""
    handle = loop.cluster.enqueue(code, max_retries=max_retries)
    loop.commands.say(command="handoff-work")
    loop.step()
    assert handle.status == "started"
    return handle


def reason_of(handle: Handle) -> str:
    with pytest.raises(NodeLost) as caught:
        handle.result(0)
    assert (caught.value.node, handle.status) == ("a", "failed")
    return caught.value.reason


def test_what_the_deadline_will_cost_is_said_when_the_agent_is_told_to_end(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    loop = start()
    lost, retried = begin(loop, "tasks:train"), begin(loop, max_retries=1)

    loop.agent.stop()
    loop.step()

    [said] = [record for record in caplog.records if "2 functions have 3 s to finish" in record.message]
    assert said.levelno == logging.WARNING
    assert f"{lost.id} (tasks.train" in said.message
    assert retried.id not in said.message
    assert {lost.status, retried.status} == {"started"}


def test_it_is_said_once_and_where_it_costs_nothing_it_is_no_warning(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    loop = start()
    begin(loop, max_retries=1)

    loop.agent.stop()
    loop.step(3)

    said = [record for record in caplog.records if "to finish" in record.message]
    assert [record.levelno for record in said] == [logging.INFO]


def test_it_is_said_while_redis_is_away(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    loop = start()
    lost = begin(loop)
    loop.pass_s(1)
    loop.lose("command")
    loop.step()

    loop.agent.stop()
    loop.step()

    assert any(lost.id in record.message for record in caplog.records if "to finish" in record.message)


def test_what_a_lost_answer_had_started_is_said_when_it_comes(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    loop = start()
    handle = loop.cluster.enqueue("tasks:work")
    loop.commands.say(command="handoff-work")
    loop.lose("reply")
    loop.step()

    loop.agent.stop()
    loop.step()
    loop.pass_s(1)
    loop.step(2)

    assert any(handle.id in record.message for record in caplog.records if "to finish" in record.message)


def test_at_the_deadline_what_has_no_retries_fails_by_it_and_the_rest_is_tried_again(start: Start) -> None:
    loop = start()
    lost, retried = begin(loop), begin(loop, max_retries=1)

    loop.agent.stop()
    loop.run()

    assert reason_of(lost) == "the agent on node a was told to stop and its grace of 3 s ended"
    assert (retried.status, retried.attempts) == ("delayed", 1)
    assert len(loop.children.killed) == 2


def test_what_ends_within_the_grace_has_its_result(start: Start) -> None:
    loop = start()
    handle = begin(loop)

    loop.agent.stop()
    loop.step()
    loop.finish()
    loop.run()

    assert handle.status == "finished"


def test_without_any_grace_it_ends_at_once(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    loop = start(grace_s=0.0)
    lost = begin(loop)

    loop.agent.stop()
    loop.run()

    assert reason_of(lost).endswith("its grace of 0 s ended")
    assert any(lost.id in record.message for record in caplog.records)


def test_what_has_not_begun_at_the_deadline_is_handed_back_at_no_cost(start: Start) -> None:
    loop = start(grace_s=0.0)
    handle = begin(loop)
    loop.children.unbegun.add(loop.children.started[0].id)

    loop.agent.stop()
    loop.run()

    assert (handle.status, handle.attempts, loop.children.killed) == ("waiting", 0, [])


def test_what_an_answer_starts_at_the_deadline_is_handed_back_at_no_cost(start: Start) -> None:
    loop = start(grace_s=0.0)
    handle = loop.cluster.enqueue("tasks:work")
    loop.commands.say(command="handoff-work")
    loop.lose("reply")
    loop.step()

    loop.agent.stop()
    loop.run()

    assert (handle.status, handle.attempts, loop.running()) == ("waiting", 0, [])


def test_a_grace_without_end_waits_for_what_runs_and_takes_nothing_more(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    loop = start(grace_s=float("inf"))
    handle = begin(loop)

    loop.agent.stop()
    loop.step()
    for _ in range(60):
        loop.pass_s(5)
        loop.step()
    late = loop.cluster.enqueue("tasks:work")
    loop.step()

    assert (handle.status, late.status) == ("started", "waiting")
    assert not any(record.levelno >= logging.WARNING for record in caplog.records)
    loop.finish()
    loop.run()
    assert (handle.status, late.status) == ("finished", "waiting")


@pytest.mark.parametrize("grace_s", [float("inf"), 3600.0])
def test_the_second_signal_says_what_it_costs_and_ends_it(
    start: Start, caplog: pytest.LogCaptureFixture, grace_s: float
) -> None:
    loop = start(grace_s)
    lost, retried = begin(loop), begin(loop, max_retries=1)
    loop.agent.stop()
    loop.step()
    caplog.clear()

    loop.agent.kill()
    loop.run()

    assert reason_of(lost) == "the agent on node a was told to stop at once"
    assert (retried.status, retried.attempts) == ("delayed", 1)
    [said] = [record for record in caplog.records if lost.id in record.message]
    assert retried.id not in said.message


def test_what_had_ended_is_delivered_past_the_deadline_when_redis_is_back(start: Start) -> None:
    loop = start()
    handle = begin(loop)
    loop.agent.stop()
    loop.step()
    loop.finish()
    # As long as the grace, and half of what it may deliver in.
    loop.lose(*["command"] * 6)

    loop.run()

    assert handle.status == "finished"
    assert loop.children.killed == []


def test_what_cannot_be_delivered_is_named_and_the_agent_ends(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    loop = start()
    handle = begin(loop)
    loop.agent.stop()
    loop.step()
    loop.finish()
    began_s = loop.now_s
    loop.lose(*["command"] * 1000)

    loop.run()

    assert any(handle.id in record.message for record in caplog.records if "not delivered" in record.message)
    assert loop.now_s - began_s < GRACE_S + 2 * DELIVERY_S
    loop.lose()
    assert handle.status == "started"


def test_the_second_signal_hands_all_back_that_has_not_begun(start: Start) -> None:
    loop = start()
    handles = [begin(loop) for _ in range(4)]
    loop.children.unbegun.update(task.id for task in loop.children.started)

    loop.agent.kill()
    loop.run()

    assert [(handle.status, handle.attempts) for handle in handles] == [("waiting", 0)] * 4


def test_after_the_second_signal_what_had_ended_is_delivered_once_more(start: Start) -> None:
    loop = start(3600.0)
    handle = begin(loop)
    loop.pass_s(1)
    loop.lose("command")
    loop.step()
    loop.finish()

    loop.agent.kill()
    loop.run()

    assert handle.status == "finished"


def test_what_the_deadline_of_a_drain_will_cost_is_said_at_once(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    loop = start()
    lost, retried = begin(loop), begin(loop, max_retries=1)

    loop.cluster.drain("a", deadline=60)
    loop.commands.say(command="handoff-beat")
    loop.step()
    for _ in range(5):
        loop.pass_s(10)
        loop.step(2)

    [said] = [record for record in caplog.records if record.message.startswith("drained: 2 functions have until ")]
    assert lost.id in said.message
    assert retried.id not in said.message


def test_what_the_deadline_of_a_drain_has_ended_says_so(start: Start) -> None:
    loop = start()
    lost = begin(loop)

    loop.cluster.drain("a", deadline=1)
    loop.pass_s(2)
    loop.step()
    loop.commands.say(command="stop-job", job_id=lost.id)
    loop.step()
    loop.kill()
    loop.step(2)

    assert reason_of(lost) == "node a is drained and the deadline of that ended"
