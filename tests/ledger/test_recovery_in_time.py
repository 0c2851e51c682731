"""Two leases after a node's last heartbeat its work waits again or runs elsewhere, whoever is left to notice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import NodeLost, StoreUnavailable
from handoff.graph.dag import DAG
from handoff.ledger.housekeeping import WAIT_SLICE_S, tick
from handoff.view.overview import read_overview
from handoff.words.function import Function
from handoff_worker.agent.agent import TICK_S
from support.agent import FakeAgent
from support.passing import pass_ms
from support.waiting import LIMIT_S, wait_until

LEASE_MS = 15_000

LONGEST_QUIET_MS = LEASE_MS // 3
"""Between two heartbeats of an agent."""

OUTAGE_MS = 4 * LEASE_MS

MOST_A_SCRIPT = 32
"""Reservations that one gives back."""

Pause = Callable[[Cluster], int]


def by_an_agent(cluster: Cluster) -> int:
    """Of a slow machine: it ticks with its heartbeats alone."""
    cluster.store.now_ms += LONGEST_QUIET_MS
    tick(cluster.store)
    return LONGEST_QUIET_MS


def by_a_client(cluster: Cluster) -> int:
    cluster.store.now_ms += round(WAIT_SLICE_S * 1000)
    tick(cluster.store)
    return round(WAIT_SLICE_S * 1000)


@pytest.fixture
def dead(cluster: Cluster) -> FakeAgent:
    """Its last heartbeat was just now."""
    cluster.store.now_ms = 1_800_000_000_000
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=LEASE_MS).register()


def hand_over(cluster: Cluster, dead: FakeAgent) -> list[Handle]:
    """One that runs there, and one that stands on its queue."""
    handles = [cluster.enqueue("m:f", cost={"cpu": 1}, max_retries=1) for _ in range(2)]
    dead.take(room=1)
    assert [handle.status for handle in handles] == ["started", "queued"]
    return handles


@pytest.mark.parametrize("outage_ms", [0, OUTAGE_MS], ids=["", "after an outage"])
@pytest.mark.parametrize("pause", [by_an_agent, by_a_client])
def test_within_two_leases_of_its_last_heartbeat_the_work_of_a_node_waits_again(
    cluster: Cluster, dead: FakeAgent, pause: Pause, outage_ms: int
) -> None:
    handles, passed_ms = hand_over(cluster, dead), 0
    cluster.store.now_ms += outage_ms
    tick(cluster.store)

    while any(handle.status in ("started", "queued") for handle in handles):
        assert passed_ms <= 2 * LEASE_MS
        passed_ms += pause(cluster)

    assert LEASE_MS <= passed_ms <= 2 * LEASE_MS
    assert [(handle.status, handle.attempts) for handle in handles] == [("delayed", 1), ("waiting", 0)]


@pytest.mark.parametrize("pause", [by_an_agent, by_a_client])
def test_within_two_leases_it_runs_elsewhere_where_there_is_room(
    cluster: Cluster, dead: FakeAgent, pause: Pause
) -> None:
    handles, passed_ms = hand_over(cluster, dead), 0
    # Both would have to wait for an hour's lease.
    other = FakeAgent(cluster.store, "b", {"cpu": 2}, lease_ms=3_600_000).register()

    while any(handle.node != "b" for handle in handles):
        assert passed_ms <= 2 * LEASE_MS
        passed_ms += pause(cluster)
        other.take(room=2)

    assert [handle.status for handle in handles] == ["started", "started"]


def test_agents_and_clients_look_more_often_than_leases_need() -> None:
    assert TICK_S * 1.2 * 1000 < LONGEST_QUIET_MS
    assert WAIT_SLICE_S * 1000 < LONGEST_QUIET_MS


def test_reservations_of_many_nodes_that_are_lost_together_come_back_a_few_a_script(cluster: Cluster) -> None:
    cluster.store.now_ms = 1_800_000_000_000
    agents = [
        FakeAgent(cluster.store, f"n{number:02}", {"cpu": 10}, lease_ms=LEASE_MS).register() for number in range(12)
    ]
    for agent in agents:
        for _ in range(10):
            cluster.enqueue("m:f", node=agent.name)
        agent.take(room=2)
    pass_ms(cluster.store, LEASE_MS)
    left = [held(cluster, agents)]
    assert left == [120]

    while left[-1]:
        cluster.store.run("tick", room=0, token=str(len(left)))
        left.append(held(cluster, agents))
        assert left[-2] - left[-1] <= MOST_A_SCRIPT
        assert len(left) < 100

    assert len(left) > 120 // MOST_A_SCRIPT


def held(cluster: Cluster, agents: list[FakeAgent]) -> int:
    client: Any = cluster.connection
    return sum(client.hlen(cluster.store.keys("reservations", agent.name)) for agent in agents)


def test_who_waits_for_a_result_finds_out_by_himself_that_the_node_is_lost(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {}, lease_ms=900).register()
    handle = cluster.enqueue("m:f")
    agent.take()

    with pytest.raises(NodeLost):
        handle.result(LIMIT_S)


def test_who_only_asks_how_it_stands_finds_out_as_well(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {}, lease_ms=900).register()
    handle = cluster.enqueue("m:f")
    agent.take()

    wait_until(lambda: handle.status == "failed", "the node is lost")


LOOKS: dict[str, Callable[[Cluster, Handle], str]] = {
    "status": lambda cluster, handle: handle.status,
    "explain": lambda cluster, handle: handle.explain().state,
    "status of all": lambda cluster, handle: "queued" if read_overview(cluster.store).queued else "delayed",
}

NOW_S = 10
"""So far back lies what nobody has looked at since."""


@pytest.fixture
def overdue(cluster: Cluster) -> Handle:
    """Its time has come, and nobody was there to notice."""
    seconds, _ = cast(Any, cluster.connection).time()
    cluster.store.now_ms = (seconds - NOW_S) * 1000
    FakeAgent(cluster.store, "a", {}, lease_ms=3_600_000).register()
    return cluster.enqueue("m:f", delay=NOW_S / 2)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS.keys())
def test_whoever_looks_sees_what_the_clock_has_brought_about(
    cluster: Cluster, overdue: Handle, look: Callable[[Cluster, Handle], str]
) -> None:
    with Cluster(connection=cluster.connection, namespace=cluster.namespace) as now:
        assert look(now, now.handle(overdue.id)) == "queued"


def test_who_looks_at_a_run_sees_it_as_well(cluster: Cluster) -> None:
    seconds, _ = cast(Any, cluster.connection).time()
    cluster.store.now_ms = (seconds - NOW_S) * 1000
    run = cluster.submit_dag(DAG("g").add(Function("x", "m:f")), timeout=NOW_S / 2)

    with Cluster(connection=cluster.connection, namespace=cluster.namespace) as now:
        assert now.run(run.id).status == "failed"


def test_who_may_not_write_can_look_all_the_same(
    cluster: Cluster, overdue: Handle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(commands: object) -> list[Any]:
        raise StoreUnavailable("here", "it is read-only")

    with Cluster(connection=cluster.connection, namespace=cluster.namespace) as now:
        monkeypatch.setattr(now.store, "once", refused)

        assert now.handle(overdue.id).status == "delayed"
