"""An agent's heartbeat renews all that says that it lives: its lease, and the key of its worker in RQ's eyes."""

from __future__ import annotations

import pytest
from rq.worker import BaseWorker

from handoff.client.cluster import Cluster
from handoff.ledger.nodes import read_nodes
from support.agent import FakeAgent, Stale
from support.passing import pass_ms

START_MS = 1_900_000_000_000

LEASE_MS = 1_000_000
"""Far longer than a test takes."""


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=LEASE_MS).register()


def test_a_heartbeat_puts_off_the_end_of_the_worker(cluster: Cluster, agent: FakeAgent) -> None:
    worker = f"{BaseWorker.redis_worker_namespace_prefix}{cluster.namespace}.a"
    assert cluster.connection.pexpire(worker, LEASE_MS)

    agent.beat()

    left_ms = cluster.connection.pttl(worker)
    assert 2 * LEASE_MS < left_ms <= 3 * LEASE_MS


def test_a_worker_whose_key_has_expired_has_an_end_again_with_the_next_heartbeat(
    cluster: Cluster, agent: FakeAgent
) -> None:
    worker = f"{BaseWorker.redis_worker_namespace_prefix}{cluster.namespace}.a"
    cluster.connection.delete(worker)

    agent.beat()

    assert 0 < cluster.connection.pttl(worker) <= 3 * LEASE_MS


def test_a_heartbeat_puts_off_the_end_of_the_lease(cluster: Cluster, agent: FakeAgent) -> None:
    pass_ms(cluster.store, LEASE_MS - 1)
    agent.beat()
    pass_ms(cluster.store, LEASE_MS - 1)

    [node] = read_nodes(cluster.store)
    assert (node.live, node.lease_ms) == (True, 1)
    agent.beat()


def test_without_a_heartbeat_the_lease_ends_when_it_was_said_to(cluster: Cluster, agent: FakeAgent) -> None:
    pass_ms(cluster.store, LEASE_MS)

    with pytest.raises(Stale):
        agent.beat()
    [node] = read_nodes(cluster.store)
    assert not node.live


def test_a_worker_has_an_end_before_its_first_heartbeat(cluster: Cluster, agent: FakeAgent) -> None:
    worker = f"{BaseWorker.redis_worker_namespace_prefix}{cluster.namespace}.a"

    assert 0 < cluster.connection.pttl(worker) <= 3 * LEASE_MS


def test_what_was_started_for_an_agent_that_does_not_run_it_is_tried_again(cluster: Cluster, agent: FakeAgent) -> None:
    handle = cluster.enqueue("tasks:work", cost={"cpu": 1}, max_retries=1)
    agent.take()
    agent.runs.clear()

    assert agent.beat() == []

    assert (handle.status, handle.attempts) == ("delayed", 1)
    assert cluster.tracker.available("a") == {"cpu": 2}


def test_what_redis_has_no_reservation_for_is_to_be_stopped(cluster: Cluster, agent: FakeAgent) -> None:
    cluster.enqueue("tasks:work", cost={"cpu": 1})
    [started] = agent.take()

    reply = cluster.store.run("beat", started.id, "forgotten-1", name="a", epoch=agent.epoch, op=0)

    assert reply == ["beaten", [b"forgotten-1"], 0, 0]


def test_of_more_functions_than_lua_unpacks_values_each_is_compared(cluster: Cluster, agent: FakeAgent) -> None:
    forgotten = [f"forgotten{number}-1" for number in range(8200)]

    reply = cluster.store.run("beat", *forgotten, name="a", epoch=agent.epoch, op=0)

    assert [id.decode() for id in reply[1]] == forgotten


def test_of_a_lease_that_is_over_nothing_is_left(cluster: Cluster, agent: FakeAgent) -> None:
    pass_ms(cluster.store, LEASE_MS + 7)

    [node] = read_nodes(cluster.store)

    assert node.lease_ms == 0
