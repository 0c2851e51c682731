"""A node on which no process can be started gives back what it took, takes nothing for a while, and serves again."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.nodes import Node, read_nodes
from handoff_worker.agent.recess import LONGEST_PAUSE_S, PAUSE_S
from handoff_worker.children.outcome import NotStarted
from support.agent import FakeAgent
from support.agent_loop import Loop

WHY = "Resource temporarily unavailable"


@pytest.fixture
def loop(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Loop:
    return Loop(cluster, monkeypatch)


def refuse(loop: Loop, **options: Any) -> Handle:
    """Submit a function, and let its process not be started."""
    handle = loop.cluster.enqueue("tasks:work", **options)
    loop.step(2)
    loop.children.unable = WHY
    loop.children.end(NotStarted(loop.children.started[-1].id, WHY))
    loop.step(2)
    return handle


def this_node(loop: Loop) -> Node:
    return next(node for node in read_nodes(loop.cluster.store) if node.name == "a")


def pass_pause(loop: Loop, seconds: float) -> None:
    loop.pass_s(seconds)
    loop.step(3)


def test_what_could_not_be_started_is_given_back_and_the_node_takes_nothing(loop: Loop) -> None:
    handle = refuse(loop)

    assert (handle.status, handle.attempts) == ("waiting", 0)
    assert (this_node(loop).state, WHY in this_node(loop).quiet_reason) == ("quiet", True)
    assert loop.children.room == 0
    loop.step(5)
    assert len(loop.running()) == 1


def test_what_could_not_be_started_goes_to_another_node_at_no_cost(loop: Loop) -> None:
    other = FakeAgent(loop.cluster.store, "b", {"slots": 4}).register()

    handle = refuse(loop)

    assert handle.node == "b"
    assert [started.job_id for started in other.take()] == [handle.id]


def test_the_node_serves_again_when_a_process_could_be_started(loop: Loop) -> None:
    handle = refuse(loop)

    pass_pause(loop, PAUSE_S)
    assert (loop.children.tries, handle.status) == (1, "waiting")
    loop.children.unable, loop.children.room = "", 1
    loop.step(3)

    assert (this_node(loop).state, handle.status) == ("up", "started")
    loop.finish(-1)
    loop.step(2)
    assert (handle.status, handle.attempts) == ("finished", 1)


def test_what_is_tried_in_vain_is_tried_less_often(loop: Loop) -> None:
    refuse(loop)
    pause_s = PAUSE_S
    for tries in range(1, 7):
        pass_pause(loop, pause_s)
        assert loop.children.tries == tries
        pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
        pass_pause(loop, pause_s / 2)
        assert loop.children.tries == tries
        loop.pass_s(pause_s / 2 - pause_s)


def test_a_callback_that_could_not_be_started_is_called_when_it_can_be(loop: Loop) -> None:
    loop.agent._functions.call_back_lost(loop_started(), "b")
    loop.children.unable = WHY
    loop.children.end(NotStarted(loop.children.started[-1].id, WHY))
    loop.step(2)
    assert len(loop.children.started) == 1

    loop.children.unable = ""
    loop.step(2)

    assert len(loop.children.started) == 2
    assert loop.agent._functions.callbacks == 1


def loop_started() -> Any:
    from handoff_worker.agent.started import Started

    return Started("job:1", {})
