"""Where thousands of leases are over at once, no script loses more nodes than it has time for, and none is found."""

from __future__ import annotations

import itertools

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import ResourcesUnavailable, UnknownNode
from handoff.ledger import housekeeping
from handoff.ledger.nodes import read_nodes
from handoff.words.function import Function
from support.agent import FakeAgent, Stale, ok
from support.ledger import read_ledger
from support.passing import pass_ms

LEASE_MS = 15_000

MANY = 80

MOST_LOST = 8
"""By one script."""


@pytest.fixture(autouse=True)
def own_clock(cluster: Cluster) -> None:
    cluster.store.now_ms = 1_800_000_000_000


@pytest.fixture
def alive(cluster: Cluster) -> str:
    """A node that was there before those that are late, and has no lease."""
    cluster.register_node("alive", {"tape": 1})
    return "alive"


@pytest.fixture
def late(cluster: Cluster) -> list[FakeAgent]:
    """Agents whose leases are over, and nobody has noticed; the last one runs something."""
    agents = [
        FakeAgent(cluster.store, f"n{number:03}", {"cpu": 1}, labels={"zone": "late"}, lease_ms=LEASE_MS).register()
        for number in range(MANY)
    ]
    cluster.enqueue("module:f", node=agents[-1].name, max_retries=1)
    agents[-1].take()
    pass_ms(cluster.store, LEASE_MS)
    return agents


def lost(cluster: Cluster) -> int:
    return len(read_ledger(cluster.store).get("lost"))


def decided(cluster: Cluster, **cost: float) -> str:
    """-> where a function was placed, else the state of its verdict."""
    verdict = cluster.enqueue("module:f", cost=cost).verdict
    assert verdict is not None
    return verdict.node or verdict.state


def settle(cluster: Cluster) -> None:
    housekeeping.tick(cluster.store)
    assert lost(cluster) == MANY


def test_each_script_loses_some_and_says_that_there_are_more(cluster: Cluster, late: list[FakeAgent]) -> None:
    counts = [0]
    while counts[-1] < MANY:
        reply = cluster.store.run("tick", room=0, token=str(len(counts)))
        counts.append(lost(cluster))
        assert counts[-1] == MANY or reply[1] == 1

    assert max(after - before for before, after in itertools.pairwise(counts)) <= MOST_LOST


def test_a_script_that_closes_many_loses_none_and_the_next_goes_on(cluster: Cluster, late: list[FakeAgent]) -> None:
    cluster.store.run("tick", room=0, token="1")
    first = lost(cluster)
    cluster.store.run("tick", room=0, token="2")

    assert (first, lost(cluster)) == (0, MOST_LOST)


def test_nothing_is_placed_on_those_that_are_late(cluster: Cluster, late: list[FakeAgent]) -> None:
    last = late[-1].name
    handles = [cluster.enqueue("module:f", where={"zone": "late"}), cluster.enqueue("module:f", node=last)]

    assert lost(cluster) < MANY
    assert [handle.verdict.state for handle in handles if handle.verdict] == ["infeasible"] * 2
    assert not cluster.resources_available(last, {"cpu": 1})
    with pytest.raises(UnknownNode):
        cluster.tracker.request(last, {"cpu": 1})
    with pytest.raises(ResourcesUnavailable):
        cluster.tracker.allocate_and_claim([Function("f", "module:f", cost={"cpu": 1})])
    settle(cluster)


def test_those_that_become_late_later_are_not_found_either(cluster: Cluster, late: list[FakeAgent]) -> None:
    FakeAgent(cluster.store, "later", {"cpu": 2}, lease_ms=1_000).register()
    pass_ms(cluster.store, 1_000)

    assert decided(cluster, cpu=2) == "infeasible"

    assert lost(cluster) < MANY
    housekeeping.tick(cluster.store)
    assert lost(cluster) == MANY + 1


def test_a_node_that_lives_is_found_among_those_that_are_late(
    cluster: Cluster, alive: str, late: list[FakeAgent]
) -> None:
    cluster.register_node("new", {"cpu": 1})

    assert decided(cluster, tape=1) == alive
    assert decided(cluster, cpu=1) == "new"
    settle(cluster)


def test_an_agent_that_is_late_is_lost_before_others(cluster: Cluster, late: list[FakeAgent]) -> None:
    last = late[-1]
    (id,) = last.runs

    with pytest.raises(Stale):
        last.finish(ok(id))

    assert lost(cluster) < MANY
    assert not next(node for node in read_nodes(cluster.store) if node.name == last.name).live
    settle(cluster)


def test_an_agent_that_is_late_comes_back_by_registering_anew(cluster: Cluster, late: list[FakeAgent]) -> None:
    back = late[-1].register()

    assert lost(cluster) < MANY
    assert decided(cluster, cpu=1) == back.name
    housekeeping.tick(cluster.store)
    assert lost(cluster) == MANY - 1


@pytest.mark.parametrize("operation", ["drain", "deregister", "register"])
def test_an_operator_finds_a_node_lost_that_is_late(cluster: Cluster, late: list[FakeAgent], operation: str) -> None:
    name = late[-1].name
    if operation == "register":
        cluster.register_node(name, {"cpu": 4})
        assert decided(cluster, cpu=4) == name
    elif operation == "deregister":
        cluster.deregister_node(name)
    else:
        with pytest.raises(UnknownNode):
            cluster.drain(name)
    housekeeping.tick(cluster.store)
    assert lost(cluster) == MANY - (operation != "drain")
