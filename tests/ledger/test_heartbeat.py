"""An agent's heartbeat renews all that says that it lives: its lease, and the key of its worker in RQ's eyes."""

from __future__ import annotations

from typing import Any

import pytest
from rq.worker import BaseWorker

from handoff.client.cluster import Cluster
from handoff.ledger.nodes import read_nodes
from handoff.local.server import RedisServer
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

    reply = cluster.store.run(
        "beat", started.id, "forgotten-1",
        name="a", epoch=agent.epoch, op=0, worked_ms=0, at="", external="", external_devices="",
    )  # fmt: skip

    assert reply == ["beaten", [b"forgotten-1"], 0, 0, b"", [started.id.encode()]]


MANY = 150
"""More than two pages."""


@pytest.fixture
def large(cluster: Cluster) -> FakeAgent:
    return begin_many(cluster)


def begin_many(cluster: Cluster) -> FakeAgent:
    """The agent of a node that runs many functions; some more stand on its queue."""
    cluster.store.now_ms = START_MS
    agent = FakeAgent(cluster.store, "large", {"cpu": MANY, "slots": 2 * MANY}, lease_ms=LEASE_MS).register()
    for number in range(MANY + 20):
        cluster.enqueue("tasks:work", cost={"cpu": int(number < MANY)}, node="large")
    assert len(agent.take(room=MANY)) == MANY
    return agent


def test_of_more_functions_than_a_page_each_is_compared(cluster: Cluster, large: FakeAgent) -> None:
    running, forgotten = list(large.runs), [f"forgotten{number}:1" for number in range(MANY)]
    cluster.handle(running[100].partition(":")[0]).cancel()
    large.runs |= dict.fromkeys(forgotten, large.runs[running[0]])

    assert sorted(large.beat()) == sorted([*forgotten, running[100]])


def test_of_more_functions_than_a_page_each_is_shown_to_rq(cluster: Cluster, large: FakeAgent) -> None:
    large.beat()

    shown = cluster.connection.zcard(f"rq:wip:{cluster.namespace}.large")
    assert shown == MANY


def test_of_more_functions_than_a_page_each_that_does_not_run_is_lost(cluster: Cluster, large: FakeAgent) -> None:
    ids = list(large.runs)
    for id in ids[1:]:
        del large.runs[id]

    assert large.beat() == []

    statuses = {id: cluster.handle(id.partition(":")[0]).status for id in ids}
    assert statuses == {id: "started" if id == ids[0] else "failed" for id in ids}


def test_of_reservations_that_redis_keeps_packed_each_that_does_not_run_is_lost() -> None:
    with RedisServer() as server, Cluster(server.url) as cluster:
        for setting in ("hash-max-ziplist-entries", "hash-max-ziplist-value"):
            cluster.connection.config_set(setting, 1024)
        large = begin_many(cluster)
        ids = list(large.runs)
        packed = cluster.connection.object("encoding", cluster.store.keys("reservations", "large"))
        assert packed in (b"listpack", b"ziplist")
        large.runs.clear()

        assert large.beat() == []

        assert {cluster.handle(id.partition(":")[0]).status for id in ids} == {"failed"}


def test_a_page_that_is_asked_for_again_is_the_same_and_changes_nothing(cluster: Cluster, large: FakeAgent) -> None:
    first = beat(cluster, large)
    second = beat(cluster, large, at=first[4])

    assert (beat(cluster, large), beat(cluster, large, at=first[4])) == (first, second)
    assert first[4] != b""
    assert not {*first[5]} & {*second[5]}


def test_each_page_renews_the_lease(cluster: Cluster, large: FakeAgent) -> None:
    reply = beat(cluster, large)
    pass_ms(cluster.store, LEASE_MS - 1)

    beat(cluster, large, at=reply[4])

    (node,) = read_nodes(cluster.store)
    assert node.lease_ms == LEASE_MS


@pytest.mark.parametrize("at", ["", "x", "7", "1|", "99999999999999999999|3", "0|999999"])
def test_a_page_is_somewhere_among_what_is_reserved_whatever_says_where(
    cluster: Cluster, large: FakeAgent, at: str
) -> None:
    reply = beat(cluster, large, at=at)

    assert {id.decode() for id in reply[5]} <= set(large.runs)


def beat(cluster: Cluster, agent: FakeAgent, *, at: str | bytes = "") -> list[Any]:
    """One call."""
    said = {"name": agent.name, "epoch": agent.epoch, "op": agent.op, "worked_ms": 0, "at": at}
    return list(cluster.store.run("beat", **said, external="", external_devices=""))


def test_of_a_lease_that_is_over_nothing_is_left(cluster: Cluster, agent: FakeAgent) -> None:
    pass_ms(cluster.store, LEASE_MS + 7)

    [node] = read_nodes(cluster.store)

    assert node.lease_ms == 0
