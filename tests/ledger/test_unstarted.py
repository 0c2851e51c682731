"""What could not be started is given back at no cost, and what has failed on a node goes rather to another."""

from __future__ import annotations

import itertools

import pytest

from handoff import Cluster
from handoff.ledger.nodes import read_nodes
from handoff.words.function import Collocated
from support.agent import FakeAgent, Result, failure, unstarted
from support.graphs import Site
from support.graphs import function as member
from support.submits import NOW_MS, later, run, submit

REASON = "no process can be started there (Resource temporarily unavailable)"


@pytest.fixture(autouse=True)
def clock(cluster: Cluster) -> None:
    cluster.store.now_ms = NOW_MS


def node(cluster: Cluster, name: str, cpu: int = 4) -> FakeAgent:
    return FakeAgent(cluster.store, name, {"cpu": cpu}).register()


def give_back(agent: FakeAgent) -> list[str]:
    """Let the agent start what stands there, find that it cannot, close the node and say so."""
    taken = agent.take(64)
    agent.quiet(reason=REASON)
    return agent.finish(*(unstarted(started.id) for started in taken))


def test_what_could_not_be_started_runs_elsewhere_and_has_used_no_attempt(cluster: Cluster) -> None:
    node_a, node_b = node(cluster, "a"), node(cluster, "b")
    handles = [submit(cluster, id) for id in ("f", "g")]

    assert give_back(node_a) == ["returned", "returned"]

    assert [(handle.status, handle.node, handle.attempts) for handle in handles] == [("queued", "b", 0)] * 2
    assert [run(node_b), run(node_b)] == [["stored"], ["stored"]]
    assert [(handle.status, handle.attempts) for handle in handles] == [("finished", 1)] * 2


def test_what_could_not_be_started_waits_for_its_only_node(cluster: Cluster) -> None:
    agent = node(cluster, "a")
    handle = submit(cluster)

    give_back(agent)
    assert (handle.status, handle.attempts) == ("waiting", 0)
    agent.quiet(False)

    assert handle.status == "queued"
    assert run(agent) == ["stored"]


def test_a_first_start_that_did_not_happen_leaves_the_limit_of_waiting(cluster: Cluster) -> None:
    agent = node(cluster, "a")
    handle = submit(cluster, wait_ttl=5)
    give_back(agent)

    later(cluster, 6)

    assert handle.status == "failed"


def test_what_was_canceled_while_it_could_not_be_started_is_canceled(cluster: Cluster) -> None:
    agent = node(cluster, "a")
    handle = submit(cluster)
    taken = agent.take()
    handle.cancel()

    assert agent.finish(*(unstarted(started.id) for started in taken)) == ["canceled"]
    assert handle.status == "canceled"


def test_a_collocated_group_of_which_one_could_not_be_started_goes_on(cluster: Cluster) -> None:
    site = Site(cluster)
    site.node("a", cpu=4)
    run = site.submit(member("x"), member("y", node=Collocated("x")))

    give_back(site.agents["a"])
    site.agents["a"].quiet(False)
    site.housekeep()
    while run.status == "running":
        site.finish(*site.take())

    assert run.status == "finished"


def test_a_node_that_cannot_start_processes_is_seen_with_the_reason(cluster: Cluster) -> None:
    agent = node(cluster, "a")
    handle = submit(cluster)
    give_back(agent)

    [seen] = read_nodes(cluster.store)
    assert (seen.state, seen.quiet_reason, seen.quiet_since) == ("quiet", REASON, NOW_MS)
    assert str(handle.explain()).endswith(f"a takes nothing for a while: {REASON}")

    agent.quiet(False)
    [seen] = read_nodes(cluster.store)
    assert (seen.state, seen.quiet_reason, seen.quiet_since) == ("up", "", None)


def test_an_agent_that_registers_anew_serves_without_a_reason(cluster: Cluster) -> None:
    agent = node(cluster, "a")
    agent.quiet(reason=REASON)

    agent.register()

    [seen] = read_nodes(cluster.store)
    assert (seen.state, seen.quiet_reason) == ("up", "")


# Retries.


@pytest.mark.parametrize("strategy", ["first_available", "load_balanced"])
def test_a_retry_goes_to_another_node_that_fits(cluster: Cluster, strategy: str) -> None:
    agents = [node(cluster, name) for name in "abc"]
    handle = submit(cluster, max_retries=3, strategy=strategy)
    seen = []

    for _ in range(3):
        seen.append(handle.node)
        [agent] = [agent for agent in agents if agent.name == handle.node]
        assert run(agent, failure) == ["retrying"]
        later(cluster, 10)

    assert all(one != other for one, other in itertools.pairwise(seen))


@pytest.mark.parametrize("end", [failure, lambda id: Result(id, "failed", error="handoff.ChildDied", retryable=True)])
def test_a_retry_takes_the_node_where_it_failed_if_no_other_fits(cluster: Cluster, end: type) -> None:
    agent, small = node(cluster, "a", cpu=4), node(cluster, "b", cpu=1)
    handle = submit(cluster, cost={"cpu": 2}, max_retries=1)
    run(agent, end)

    later(cluster, 10)

    assert handle.node == "a"
    assert (run(agent), small.take()) == (["stored"], [])


def test_a_retry_that_is_pinned_goes_where_it_is_pinned_to(cluster: Cluster) -> None:
    agent, _ = node(cluster, "a"), node(cluster, "b")
    handle = submit(cluster, node="a", max_retries=1)
    run(agent, failure)

    later(cluster, 10)

    assert (handle.status, handle.node) == ("queued", "a")


def test_a_retry_after_a_drain_by_force_goes_elsewhere_when_the_node_is_open_again(cluster: Cluster) -> None:
    agent, _ = node(cluster, "a"), node(cluster, "b")
    handle = submit(cluster, max_retries=1)
    run(agent, failure)
    cluster.drain("a")
    cluster.undrain("a")

    later(cluster, 10)

    assert handle.node == "b"


def test_others_still_go_to_the_first_node(cluster: Cluster) -> None:
    agent, _ = node(cluster, "a"), node(cluster, "b")
    submit(cluster, "f", max_retries=1)
    run(agent, failure)
    later(cluster, 10)

    assert submit(cluster, "g").node == "a"
