"""The on_failure of a function that was lost with another node is run once, also where the answer of a tick is lost."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from support.agent import FakeAgent
from support.agent_loop import LEASE_S, Loop

TICK_S = 0.5


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(cluster, monkeypatch, slots=2)


def lose_functions(loop: Loop, count: int) -> list[Handle]:
    """On a node whose agent dies, after the loop has called for the first time."""
    other = FakeAgent(loop.cluster.store, "b", {"cpu": count}, lease_ms=1).register()
    handles = [
        loop.cluster.enqueue("tasks:work", node="b", cost={"cpu": 1}, on_failure="tasks:told") for _ in range(count)
    ]
    other.take(count)
    loop.step()
    loop.calls()
    loop.pass_s(LEASE_S / 6)
    return handles


def told(loop: Loop) -> list[str]:
    return [task.id.partition(":")[0] for task in loop.children.started]


def test_it_is_run_by_whoever_ticks(loop: Loop) -> None:
    handles = lose_functions(loop, 2)

    loop.step()
    loop.pass_s(TICK_S)
    loop.step()

    assert set(told(loop)) == {handle.id for handle in handles}
    assert {task.lost_with for task in loop.children.started} == {"b"}


@pytest.mark.parametrize("fault", ["command", "reply"])
def test_it_is_run_once_where_a_tick_is_lost(loop: Loop, fault: str) -> None:
    handles = lose_functions(loop, 2)

    loop.lose(fault)
    for _ in range(4):
        loop.step()
        loop.pass_s(TICK_S)

    assert sorted(told(loop)) == sorted(handle.id for handle in handles)


def test_no_more_are_taken_on_than_there_are_slots(loop: Loop) -> None:
    handles = lose_functions(loop, 3)

    for _ in range(2):
        loop.step()
        loop.pass_s(TICK_S)
    assert len(told(loop)) == 2
    loop.finish()
    for _ in range(2):
        loop.step()
        loop.pass_s(TICK_S)

    assert set(told(loop)) == {handle.id for handle in handles}


def test_a_quiet_node_takes_on_none(loop: Loop) -> None:
    lose_functions(loop, 1)
    loop.agent.quiet()

    for _ in range(4):
        loop.step()
        loop.pass_s(TICK_S)

    assert told(loop) == []
