"""What a probe is told of the agent of its host."""

from __future__ import annotations

import socket

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from handoff.ledger.store import Store, own_client
from handoff.ledger.texts.holder import Holder
from handoff.words.capabilities import parse_capabilities
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.check import check
from handoff_worker.machine.holder import host, this_process

START_MS = 1_700_000_000_000

LEASE_MS = 9_000

ELSEWHERE = Holder("there", 4711, "1", "another machine")


@pytest.fixture
def store(cluster: Cluster) -> Store:
    cluster.store.now_ms = START_MS
    return cluster.store


def lease(store: Store, name: str, holder: Holder) -> None:
    agent = NodeLedger(store, name, holder, f"of {name}")
    agent.register(parse_capabilities({"cpu": 1}), LEASE_MS)


def let_pass(store: Store, ms: int) -> None:
    """Let time pass in steps that are no outage."""
    for _ in range(0, ms, 1_000):
        store.now_ms += 1_000
        tick(store)


def test_an_agent_is_alive_as_long_as_its_lease(store: Store) -> None:
    lease(store, "a", ELSEWHERE)

    before = check(store, "a")
    let_pass(store, LEASE_MS + 1_000)
    after = check(store, "a")

    assert (before.alive, before.state, before.lease_s) == (True, "up", LEASE_MS / 1000)
    assert "its agent (there 4711) holds its lease for another 9.0 s" in before.reason
    assert (after.alive, after.state, after.lease_s) == (False, "lost", None)


def test_one_that_takes_no_more_is_alive(store: Store) -> None:
    lease(store, "a", ELSEWHERE)
    store.run("drain", name="a", drain=1, deadline_ms=0)

    found = check(store, "a")

    assert (found.alive, found.state) == (True, "draining")


def test_a_node_that_is_not_registered_has_no_agent(store: Store) -> None:
    found = check(store, "a")

    assert (found.alive, found.node) == (False, "a")
    assert f"node a is not registered in namespace {store.namespace}" in found.reason


def test_a_node_that_was_registered_by_hand_has_no_agent(cluster: Cluster, store: Store) -> None:
    cluster.register_node("a", {"cpu": 1})

    assert check(store, "a").alive is False


class TestWithoutAName:
    def test_the_agent_of_this_machine_is_found_whatever_its_node_is_called(
        self, cluster: Cluster, store: Store
    ) -> None:
        cluster.register_node("by-hand", {"cpu": 1})
        lease(store, "elsewhere", ELSEWHERE)
        lease(store, "large", this_process())

        found = check(store, None)

        assert (found.alive, found.node) == (True, "large")

    def test_one_that_lives_counts_and_not_what_ran_here_before(self, store: Store) -> None:
        lease(store, "old", this_process())
        let_pass(store, LEASE_MS + 1_000)
        lost = check(store, None)
        lease(store, "new", this_process())

        found = check(store, None)

        assert (lost.alive, lost.node) == (False, "old")
        assert (found.alive, found.node) == (True, "new")

    def test_the_one_called_as_the_host_goes_before_others(self, store: Store) -> None:
        lease(store, "a", this_process())
        lease(store, host(), this_process())

        assert check(store, None).node == host()

    def test_that_of_another_machine_does_not_count(self, store: Store) -> None:
        lease(store, host(), ELSEWHERE)

        found = check(store, None)

        assert (found.alive, found.node) == (False, None)
        assert found.reason.startswith("no agent of this host is registered in namespace")


def test_while_redis_is_away_no_agent_counts_as_dead() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{taken.getsockname()[1]}/0"

        found = check(Store(own_client(None, url, 0.1), "handoff", timeout_s=0.1), "a")

    assert found.alive is None
    assert "is not available" in found.reason
