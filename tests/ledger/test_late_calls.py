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
    return list(cluster.store.run("finish", name="a", epoch=agent.epoch, op=op, room=1, waits=0))


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


def deny(cluster: Cluster, agent: FakeAgent, *ids: str, op: int, epoch: str | None = None) -> list[Any]:
    return list(cluster.store.run("deny", *ids, name="a", epoch=epoch or agent.epoch, op=op))


def test_an_agent_denies_nothing_of_what_was_started_after_its_last_answer(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    [started] = agent.take()

    assert deny(cluster, agent, started.id, op=0) == ["denied"]

    assert agent.finish(ok(started.id)) == ["stored"]
    assert Story(cluster.store).read().outcomes() == {handle.id: "finished"}


def test_what_was_started_before_and_is_denied_is_lost_once(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster, max_retries=1)
    [started] = agent.take()

    for _ in range(2):
        assert deny(cluster, agent, started.id, op=agent.op) == ["denied"]

    assert (handle.status, handle.attempts) == ("delayed", 1)


def test_a_beat_alone_takes_nothing_for_lost(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    [started] = agent.take()

    reply = cluster.store.run(
        "beat", name="a", epoch=agent.epoch, op=agent.op, worked_ms=0, at="", external="", external_devices=""
    )

    assert (reply[5], handle.status) == ([started.id.encode()], "started")


def test_what_stands_on_the_queue_by_the_time_it_is_denied_stays_there(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)

    deny(cluster, agent, "no reservation", "gone:1", op=agent.op)
    client: Any = cluster.connection
    held = client.hkeys(cluster.store.keys("reservations", "a"))[0].decode()
    deny(cluster, agent, held, op=agent.op)

    assert handle.status == "queued"
    assert [started.id for started in agent.take()] == [held]


def test_what_an_agent_of_another_epoch_denies_is_nothing(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    [started] = agent.take()

    assert deny(cluster, agent, started.id, op=agent.op, epoch="1") == ["stale"]

    assert handle.status == "started"


def test_what_is_denied_after_a_roll_back_is_told_first(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    [started] = agent.take()

    assert deny(cluster, agent, started.id, op=agent.op + 1) == ["behind"]

    assert handle.status == "started"


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
