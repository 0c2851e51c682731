"""An agent that was cut off, or stood still, for longer than its lease: what is no longer its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from support.agent import FakeAgent
from support.agent_loop import LEASE_S, Loop

STEP_S = 0.25


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(cluster, monkeypatch)


@pytest.fixture
def handle(loop: Loop) -> Handle:
    """What it runs; somebody else is there to notice that it is silent, and takes over what it loses."""
    handle = loop.cluster.enqueue("tasks:work", max_retries=1)
    loop.commands.say(command="handoff-work")
    loop.step()
    FakeAgent(loop.cluster.store, "b", {"cpu": 1}, lease_ms=10**7).register()
    assert handle.status == "started"
    return handle


def be_cut_off(loop: Loop) -> None:
    """For longer than its lease it tries in vain."""
    for _ in range(round((LEASE_S + 1) / STEP_S)):
        loop.lose(*["command"] * 8)
        loop.pass_s(STEP_S)
        loop.step()
    loop._faults.clear()


def stand_still(loop: Loop) -> None:
    """Stopped, and told to go on."""
    loop.pass_s(LEASE_S + 1)


def epoch_of(loop: Loop) -> object:
    return loop.cluster.connection.hget(loop.cluster.store.keys("node", "a"), "epoch")


@pytest.mark.parametrize("be_away", [be_cut_off, stand_still])
def test_it_stops_what_it_no_longer_owns_within_one_heartbeat_and_goes_on_under_a_new_epoch(
    loop: Loop, handle: Handle, be_away: Callable[[Loop], None]
) -> None:
    before = epoch_of(loop)
    be_away(loop)
    assert loop.children.killed == []

    passed_s = 0.0
    while not loop.children.killed:
        loop.step()
        loop.pass_s(STEP_S)
        passed_s += STEP_S
        assert passed_s <= LEASE_S / 3

    assert [id.rpartition(":")[0] for id in loop.children.killed] == [handle.id]
    loop.step(2)
    assert epoch_of(loop) != before
    assert (handle.status, handle.attempts) == ("delayed", 1)
    new = loop.cluster.enqueue("tasks:work", node="a")
    loop.pass_s(LEASE_S / 3)
    loop.step(3)
    assert new.status == "started"


def test_what_ended_there_meanwhile_is_refused_and_the_log_names_it(
    loop: Loop, handle: Handle, caplog: pytest.LogCaptureFixture
) -> None:
    stand_still(loop)
    loop.finish()

    loop.step(3)

    assert (handle.status, handle.attempts) == ("delayed", 1)
    assert f"the result of {handle.id} came too late" in caplog.text
