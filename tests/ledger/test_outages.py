"""A gap in which no script ran was everybody's: whoever must be heard of is given it."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger import housekeeping
from handoff.ledger.nodes import read_nodes
from support.agent import FakeAgent, Stale, ok
from support.ledger import read_ledger
from support.passing import pass_ms

START_MS = 1_800_000_000_000

LEASE_MS = 15_000

OUTAGES_MS = [5_001, 7_000, 13_000, 20_000, 3_600_000]
"""Longer than a third of a lease."""


@pytest.fixture(autouse=True)
def own_clock(cluster: Cluster) -> None:
    cluster.store.now_ms = START_MS


def agent(cluster: Cluster, name: str, lease_ms: int = LEASE_MS) -> FakeAgent:
    return FakeAgent(cluster.store, name, {"cpu": 1}, lease_ms=lease_ms).register()


def be_away(cluster: Cluster, ms: int) -> None:
    """No script runs for so long."""
    cluster.store.now_ms += ms


def left_ms(cluster: Cluster, name: str) -> int:
    (node,) = (node for node in read_nodes(cluster.store) if node.name == name)
    return node.lease_ms if node.live and node.lease_ms is not None else 0


@pytest.mark.parametrize("outage_ms", OUTAGES_MS)
def test_an_outage_costs_no_function_that_runs(cluster: Cluster, outage_ms: int) -> None:
    agents = [agent(cluster, name) for name in "ab"]
    handles = [cluster.enqueue("module:f", cost={"cpu": 1}) for _ in agents]
    started = [each.take()[0] for each in agents]
    pass_ms(cluster.store, 4_900)

    be_away(cluster, outage_ms)
    housekeeping.tick(cluster.store)

    pass_ms(cluster.store, 3_000)
    housekeeping.tick(cluster.store)
    for each, function in zip(agents, started, strict=True):
        assert each.beat() == []
        assert each.finish(ok(function.id)) == ["stored"]
    assert [handle.status for handle in handles] == ["finished", "finished"]


def test_what_is_left_of_a_lease_is_the_same_after_an_outage(cluster: Cluster) -> None:
    agent(cluster, "a")
    pass_ms(cluster.store, 4_000)

    be_away(cluster, 60_000)
    housekeeping.tick(cluster.store)

    assert left_ms(cluster, "a") == LEASE_MS - 4_000


def test_a_gap_is_given_once(cluster: Cluster) -> None:
    dead = agent(cluster, "a")
    be_away(cluster, 60_000)
    for _ in range(3):
        housekeeping.tick(cluster.store)

    pass_ms(cluster.store, LEASE_MS)

    with pytest.raises(Stale):
        dead.beat()


def test_an_outage_does_not_bring_back_a_lease_that_was_over(cluster: Cluster) -> None:
    dead = agent(cluster, "a")
    pass_ms(cluster.store, LEASE_MS)

    be_away(cluster, 60_000)

    with pytest.raises(Stale):
        dead.beat()


def test_quiet_of_a_third_of_a_lease_is_no_outage(cluster: Cluster) -> None:
    dead, alive = agent(cluster, "a"), agent(cluster, "b")
    for _ in range(3):
        be_away(cluster, LEASE_MS // 3)
        alive.beat()

    with pytest.raises(Stale):
        dead.beat()


def test_the_shortest_lease_says_what_an_outage_is(cluster: Cluster) -> None:
    long, short = agent(cluster, "a", 60_000), agent(cluster, "b", 1_200)

    be_away(cluster, 1_500)
    housekeeping.tick(cluster.store)

    assert left_ms(cluster, "a") == 60_000
    assert left_ms(cluster, "b") == 1_200
    assert short.beat() == long.beat() == []


def test_the_lease_of_a_node_that_is_gone_says_nothing_any_more(cluster: Cluster) -> None:
    agent(cluster, "short", 300)
    pass_ms(cluster.store, 300)
    dead, alive = agent(cluster, "a"), agent(cluster, "b")

    for _ in range(15):
        be_away(cluster, 1_000)
        alive.beat()

    with pytest.raises(Stale):
        dead.beat()


def test_where_only_somebody_is_left_who_calls_rarely_leases_end_all_the_same(cluster: Cluster) -> None:
    agent(cluster, "a")

    states = []
    for _ in range(5):
        be_away(cluster, 60_000)
        verdict = cluster.enqueue("module:f", cost={"cpu": 1}).verdict
        states.append(verdict.state if verdict else None)

    assert states[0] == "placed"
    assert states[-1] == "infeasible"


def test_where_only_those_are_left_who_look_they_see_who_was_not_heard_of_for_a_lease(cluster: Cluster) -> None:
    agent(cluster, "a")

    be_away(cluster, LEASE_MS - 1)
    assert left_ms(cluster, "a") == 1
    be_away(cluster, 1)

    assert [node.live for node in read_nodes(cluster.store)] == [False]


def test_who_only_looks_does_not_hide_an_outage(cluster: Cluster) -> None:
    healthy = agent(cluster, "a")
    handle = cluster.enqueue("module:f", cost={"cpu": 1})
    for _ in range(20):
        be_away(cluster, 1_000)
        handle.explain()
        assert handle.cancel() in (True, False)
        read_nodes(cluster.store)

    assert healthy.beat() == []


def test_a_lease_whose_node_is_gone_ends_without_it(cluster: Cluster) -> None:
    agent(cluster, "a")
    alive = agent(cluster, "b")
    cluster.connection.zadd(cluster.store.keys("leases"), {"gone": 1})

    assert alive.beat() == []

    assert read_ledger(cluster.store).get("leases").keys() == {"a", "b"}
