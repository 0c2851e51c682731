"""What an agent is to end is said on rq's channel at once; the next heartbeat would tell it some seconds later."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent
from support.ear import Ear, ear
from support.graphs import Site, function
from support.passing import pass_ms

START_MS = 1_900_000_000_000


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=100_000).register()


@pytest.fixture
def a(cluster: Cluster, agent: FakeAgent) -> Iterator[Ear]:
    with ear(cluster, "a") as listening:
        yield listening


def start(cluster: Cluster, agent: FakeAgent, a: Ear) -> Handle:
    handle = cluster.enqueue("tasks:work", cost={"cpu": 1})
    agent.take()
    a.heard()
    return handle


def stop(handle: Handle) -> dict[str, str]:
    return {"command": "stop-job", "job_id": handle.id}


def test_the_agent_of_a_running_function_is_told_of_its_cancel(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    handle = start(cluster, agent, a)

    handle.cancel()

    assert a.heard() == [stop(handle)]


def test_a_function_that_is_canceled_twice_is_stopped_once(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    handle = start(cluster, agent, a)

    handle.cancel()
    handle.cancel()

    assert a.heard() == [stop(handle)]


def test_of_a_function_that_does_not_run_no_agent_is_told(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    handle = cluster.enqueue("tasks:work", cost={"cpu": 1})
    a.heard()

    handle.cancel()

    assert a.heard() == []


def test_agents_are_told_of_all_that_runs_of_a_run_that_is_canceled(cluster: Cluster) -> None:
    site = Site(cluster)
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    run = site.submit(function("x"), function("y"), function("z"))
    site.take()

    with ear(cluster, "a") as a, ear(cluster, "b") as b:
        run.cancel()

        assert (a.heard(), b.heard()) == ([stop(run.handle("x"))], [stop(run.handle("y"))])


def test_at_the_deadline_of_a_drain_the_agent_is_told_what_to_stop(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    handle = start(cluster, agent, a)
    cluster.drain("a", 60)
    # So that it says in its log what that will cost.
    assert a.heard() == [{"command": "handoff-beat"}]

    pass_ms(cluster.store, 59_999)
    tick(cluster.store)
    assert a.heard() == []
    pass_ms(cluster.store, 1)
    tick(cluster.store)

    assert a.heard() == [stop(handle)]


def test_the_agent_of_a_node_that_is_deregistered_by_hand_is_told_to_end(
    cluster: Cluster, agent: FakeAgent, a: Ear
) -> None:
    cluster.deregister_node("a")

    assert a.heard() == [{"command": "shutdown"}]


def test_an_agent_that_says_goodbye_itself_is_told_nothing(cluster: Cluster, agent: FakeAgent, a: Ear) -> None:
    agent.goodbye()

    assert a.heard() == []
