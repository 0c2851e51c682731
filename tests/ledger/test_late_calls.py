"""A call of an agent that arrives when a later one was answered: its connection was given up, and it came through."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from support.agent import FakeAgent, Stale, ok
from support.story import Story
from support.submits import NOW_MS, run, submit


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = NOW_MS
    return FakeAgent(cluster.store, "a", {"cpu": 1}).register()


def late_finish(cluster: Cluster, agent: FakeAgent, op: int) -> list[Any]:
    return list(cluster.store.run("finish", name="a", epoch=agent.epoch, op=op, room=1))


def test_a_take_that_a_later_call_has_overtaken_starts_nothing(cluster: Cluster, agent: FakeAgent) -> None:
    submit(cluster)
    run(agent)
    handle = submit(cluster)

    assert late_finish(cluster, agent, agent.op - 1) == ["stale"]

    assert handle.status == "queued"
    [started] = agent.take()
    assert started.job_id == handle.id


def test_a_take_of_before_does_not_set_the_number_of_calls_back(cluster: Cluster, agent: FakeAgent) -> None:
    submit(cluster)
    run(agent)
    late_finish(cluster, agent, 1)

    assert agent.finish() == []


def test_a_beat_says_nothing_of_what_was_started_after_it_was_sent(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    [started] = agent.take()

    cluster.store.run("beat", name="a", epoch=agent.epoch, op=0)

    assert agent.finish(ok(started.id)) == ["stored"]
    assert Story(cluster.store).read().outcomes() == {handle.id: "finished"}


def test_what_was_started_before_a_beat_and_is_not_in_it_is_lost(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    agent.take()

    cluster.store.run("beat", name="a", epoch=agent.epoch, op=agent.op)

    assert handle.status == "failed"


def test_what_was_told_after_a_roll_back_does_not_set_the_number_of_calls_back(
    cluster: Cluster, agent: FakeAgent
) -> None:
    agent.finish()
    agent.finish()

    cluster.store.run("recall", name="a", epoch=agent.epoch, op=1)

    assert agent.finish() == []


def test_a_call_of_another_epoch_is_stale_whatever_its_number(cluster: Cluster, agent: FakeAgent) -> None:
    epoch = agent.epoch
    agent.goodbye()
    agent.register()
    agent.epoch = epoch

    with pytest.raises(Stale):
        agent.finish()
