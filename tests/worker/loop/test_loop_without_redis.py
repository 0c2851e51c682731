"""While Redis is away the agent tries again after ever longer pauses, and begins with a short one when it was back."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff_worker.agent.agent import TICK_S
from handoff_worker.agent.commands import LISTEN_S
from support.agent import FakeAgent
from support.agent_loop import LEASE_S, Loop

PAUSES_S = [0.2, 0.4, 0.8, 1.6, 3.2, LEASE_S / 6, LEASE_S / 6]


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop(cluster, monkeypatch)
    loop.step()
    loop.calls()
    return loop


def fail(loop: Loop) -> None:
    """A tick is due, and Redis is away."""
    loop.pass_s(1)
    loop.lose("command")
    loop.step()
    assert loop.calls() == ["tick"]


def test_each_pause_is_twice_as_long_as_the_one_before_up_to_a_limit(loop: Loop) -> None:
    fail(loop)

    for pause_s in PAUSES_S:
        loop.lose("command")
        loop.pass_s(pause_s - 0.01)
        loop.step()
        assert loop.calls() == []
        loop.pass_s(0.02)
        loop.step()
        assert len(loop.calls()) == 1

    loop.pass_s(PAUSES_S[-1] + 0.01)
    loop.step()


def test_an_outage_of_hours_ends_no_agent(loop: Loop) -> None:
    fail(loop)

    for _ in range(1100):
        loop.lose("command")
        loop.pass_s(LEASE_S / 6 + 0.01)
        loop.step()
        assert len(loop.calls()) == 1

    loop.pass_s(LEASE_S / 6 + 0.01)
    loop.step()
    assert loop.calls()


def test_the_log_tells_that_redis_is_back_and_for_how_long_it_was_away(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    fail(loop)
    loop.pass_s(PAUSES_S[0] + 0.3)
    loop.step()
    loop.pass_s(1)
    loop.step()

    said = [record.getMessage() for record in caplog.records if "there again" in record.getMessage()]
    assert said == ["Redis is there again: it was away for 0.5 s (failures: 1)"]


def test_a_call_that_succeeds_makes_the_next_pause_the_first_again(loop: Loop) -> None:
    fail(loop)
    loop.pass_s(PAUSES_S[0] + 0.01)
    loop.lose("command")
    loop.step()
    loop.pass_s(PAUSES_S[1] + 0.01)
    loop.step()
    loop.calls()

    fail(loop)
    loop.pass_s(PAUSES_S[0] + 0.01)
    loop.step()

    assert loop.calls() == ["beat", "tick", "finish"]


def test_so_does_one_of_a_node_that_exchanges_nothing(loop: Loop) -> None:
    loop.agent.quiet()
    loop.step()
    loop.calls()
    fail(loop)
    loop.pass_s(PAUSES_S[0] + 0.01)
    loop.step()
    assert loop.calls() == ["beat", "tick"]

    fail(loop)
    loop.pass_s(PAUSES_S[0] + 0.01)
    loop.step()

    assert loop.calls() == ["beat", "tick"]


def test_it_listens_again_when_redis_is_back_and_looks_for_what_it_missed(loop: Loop) -> None:
    fail(loop)
    assert not loop.commands.connected
    handle = loop.cluster.enqueue("tasks:work")

    loop.pass_s(PAUSES_S[0] + 0.01)
    loop.step()

    assert loop.commands.connected
    assert loop.running() == [handle.id]


def test_where_only_the_connection_for_hints_was_lost_it_looks_for_what_it_missed(loop: Loop) -> None:
    loop.step()
    loop.calls()
    handle = loop.cluster.enqueue("tasks:work")

    loop.commands.break_off()
    loop.step()

    assert loop.commands.connected
    assert (loop.calls(), loop.running()) == (["beat", "finish"], [handle.id])


def test_what_was_canceled_while_no_hint_could_be_heard_is_stopped_when_it_listens_again(loop: Loop) -> None:
    handle = loop.cluster.enqueue("tasks:work")
    loop.commands.say(command="handoff-work")
    loop.step()
    assert loop.running() == [handle.id]

    loop.commands.break_off()
    handle.cancel()
    loop.step()

    assert [id.rpartition(":")[0] for id in loop.children.killed] == [handle.id]


def test_where_its_subscription_hears_nothing_any_more_it_subscribes_anew_and_looks_for_what_it_missed(
    loop: Loop,
) -> None:
    loop.commands.is_deaf = True
    loop.pass_s(LISTEN_S)
    loop.step()
    handle = loop.cluster.enqueue("tasks:work")
    loop.calls()

    loop.step()

    assert loop.commands.connected
    assert (loop.calls(), loop.running()) == (["beat", "finish"], [handle.id])


def test_where_all_other_connections_lead_to_another_master_it_subscribes_there_at_its_next_tick(loop: Loop) -> None:
    loop.step()
    loop.commands.leads_to_all_others = False
    loop.pass_s(TICK_S)
    loop.step()
    assert not loop.commands.connected

    loop.step()

    assert loop.commands.connected
    assert loop.commands.leads_to_all_others


@pytest.mark.parametrize("fault", ["command", "reply"])
def test_who_was_told_to_end_does_so_when_all_that_was_delivered_is_answered_for(loop: Loop, fault: str) -> None:
    handle = loop.cluster.enqueue("tasks:work", max_retries=0)
    loop.commands.say(command="handoff-work")
    loop.step()
    loop.finish()
    loop.lose(fault)
    loop.step()

    loop.agent.stop()
    loop.run()

    assert handle.status == "finished"
    assert loop.calls()[-1] == "deregister"


def test_who_was_told_to_end_runs_what_a_lost_answer_had_started(loop: Loop) -> None:
    handle = loop.cluster.enqueue("tasks:work", max_retries=0)
    loop.commands.say(command="handoff-work")
    loop.lose("reply")
    loop.step()
    loop.children.returns_at_once = True

    loop.agent.stop()
    loop.run()

    assert (handle.status, handle.attempts) == ("finished", 1)


def test_what_ends_meanwhile_is_delivered_when_redis_is_back(loop: Loop) -> None:
    handle = loop.cluster.enqueue("tasks:work")
    loop.commands.say(command="handoff-work")
    loop.step()
    loop.calls()
    fail(loop)

    loop.finish()
    loop.step()
    assert (loop.calls(), handle.status) == ([], "started")
    loop.pass_s(PAUSES_S[0] + 0.01)
    loop.step()

    assert handle.status == "finished"


def test_a_node_that_was_lost_meanwhile_is_registered_anew_and_what_ran_is_killed(loop: Loop) -> None:
    handle = loop.cluster.enqueue("tasks:work", max_retries=1)
    loop.commands.say(command="handoff-work")
    loop.step()
    FakeAgent(loop.cluster.store, "b", {"cpu": 1}, lease_ms=10**7).register()

    loop.pass_s(LEASE_S + 1)
    loop.step()
    assert loop.calls()[-2:] == ["beat", "register"]
    assert [id.rpartition(":")[0] for id in loop.children.killed] == [handle.id]

    loop.step(2)

    # Its calls go on under their old numbers, which the new registration does not know.
    assert loop.calls() == ["beat", "recall", "beat", "tick", "finish"]
    assert (handle.status, handle.attempts) == ("delayed", 1)
