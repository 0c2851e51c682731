"""Whoever registers a node anew has another epoch than all before, so that none of them can write any more."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import NodeIsLeased
from support.agent import FakeAgent, Stale, ok
from support.passing import pass_ms

START_MS = 1_900_000_000_000


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}).register()


def empty_redis(cluster: Cluster) -> None:
    """All that the cluster has written is gone."""
    client: Any = cluster.connection
    for key in client.scan_iter(match=f"*{cluster.namespace}*"):
        client.delete(key)


def test_an_agent_from_before_redis_was_emptied_is_not_taken_for_the_one_that_came_after(
    cluster: Cluster, agent: FakeAgent
) -> None:
    empty_redis(cluster)
    pass_ms(cluster.store, 1)
    other = FakeAgent(cluster.store, "a", {"cpu": 2}).register()

    with pytest.raises(Stale):
        agent.beat()
    other.beat()


def test_two_agents_that_come_in_one_millisecond_have_two_epochs(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.enqueue("tasks:work")
    [started] = agent.take()
    other = FakeAgent(cluster.store, "a", {"cpu": 2})

    other.register(dead=agent.incarnation)

    with pytest.raises(Stale):
        agent.finish(ok(started.id))
    assert other.beat() == []


def test_an_agent_that_registers_again_keeps_its_epoch_and_all_that_it_runs(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.enqueue("tasks:work")
    [started] = agent.take()
    epoch = agent.epoch

    agent.capabilities = {"cpu": 3}
    agent.register()

    assert agent.epoch == epoch
    assert agent.beat() == []
    assert agent.finish(ok(started.id)) == ["stored"]


def test_a_static_node_does_not_take_the_name_of_a_live_agent(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 2}).register()

    with pytest.raises(NodeIsLeased):
        cluster.register_node("a", {"cpu": 64})

    assert cluster.tracker.capabilities("a")["cpu"] == 2
    assert agent.beat() == []


def test_who_is_refused_a_name_is_told_which_process_on_which_host_has_it(cluster: Cluster) -> None:
    FakeAgent(cluster.store, "a", {"cpu": 2}).register()
    cluster.connection.hset(cluster.store.keys("node", "a"), "holder", "big-1 4242 17.5 linux")

    with pytest.raises(NodeIsLeased) as told:
        cluster.register_node("a", {"cpu": 64})

    assert str(told.value) == (
        "node 'a' is leased by the agent with process id 4242 on host big-1: "
        "change its capabilities where that agent is started, or stop it first"
    )
