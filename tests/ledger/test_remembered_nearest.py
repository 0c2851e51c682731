"""Which node is nearest to what none could hold is found out once, and anew when a node, or what all share, changes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import Infeasible
from support.agent import FakeAgent
from support.passing import pass_ms

LEASE_MS = 15_000

LIE = "a|cpu~99~1"

MOST_DEMANDS = 1000

NO_NODE = "no node is live: `handoff node` starts one"


@pytest.fixture
def ours(cluster: Cluster) -> Cluster:
    """A cluster by its own clock, with a node `a` that has an agent, and `d` that is drained and has a disk."""
    cluster.store.now_ms = 1_800_000_000_000
    FakeAgent(cluster.store, "a", {"cpu": 4}, lease_ms=LEASE_MS).register()
    cluster.register_node("d", {"disk": 9})
    cluster.drain("d")
    return cluster


def refusal(cluster: Cluster, **cost: float) -> str:
    with pytest.raises(Infeasible) as caught:
        cluster.enqueue("module:f", cost=cost, on_infeasible="raise")
    return caught.value.reason


def remembered(cluster: Cluster) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = cluster.connection.hgetall(cluster.store.keys("nearest"))  # type: ignore[assignment]
    return found


def test_what_was_found_is_told_again_without_comparing_anew(ours: Cluster) -> None:
    assert refusal(ours, cpu=5) == "cpu 5 wanted, a has 4"
    [demand] = remembered(ours)
    ours.connection.hset(ours.store.keys("nearest"), demand.decode(), LIE)

    told = refusal(ours, cpu=5)
    ours.connection.delete(ours.store.keys("nearest"))

    assert told == "cpu 0.0099 wanted, a has 0.0001"


def test_a_function_that_waits_is_told_what_was_found_for_one_that_was_refused(ours: Cluster) -> None:
    refusal(ours, cpu=5)
    [found] = remembered(ours).values()

    verdict = ours.enqueue("module:f", cost={"cpu": 5}).verdict

    assert verdict is not None
    assert (verdict.state, list(remembered(ours).values())) == ("infeasible", [found])


CHANGES: dict[str, tuple[Callable[[Cluster], object], str]] = {
    "a node that joins": (lambda cluster: cluster.register_node("b", {"cpu": 4.5}), "cpu 5 wanted, b has 4.5"),
    "a node that has more": (
        lambda cluster: FakeAgent(cluster.store, "b", {"cpu": 4.75}).register(), "cpu 5 wanted, b has 4.75",
    ),
    "a lease that is over": (lambda cluster: pass_ms(cluster.store, LEASE_MS), NO_NODE),
    "a node that is drained": (lambda cluster: cluster.drain("a"), NO_NODE),
    "one that is opened again": (lambda cluster: cluster.undrain("d"), "cpu 5 wanted, a has 4"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_it_has_it_forgotten(ours: Cluster, change: str) -> None:
    act, says = CHANGES[change]
    refusal(ours, cpu=5)
    [demand] = remembered(ours)
    ours.connection.hset(ours.store.keys("nearest"), demand.decode(), LIE)

    act(ours)

    assert refusal(ours, cpu=5) == says


def test_what_all_share_has_it_forgotten(ours: Cluster) -> None:
    before = refusal(ours, cpu=1, license=5)
    ours.share({"license": 2})
    shared = refusal(ours, cpu=1, license=5)
    ours.share({"license": 3})

    assert (before, shared) == ("license 5 wanted, a has 0", "license 5 wanted, the cluster has 2")
    assert refusal(ours, cpu=1, license=5) == "license 5 wanted, the cluster has 3"


def test_more_misspelt_ones_than_are_kept_leave_no_more(ours: Cluster) -> None:
    for number in range(MOST_DEMANDS + 20):
        ours.connection.hset(ours.store.keys("nearest"), f"zpu{number}=10000,slots=10000", "a|zpu~10000~0")

    refusal(ours, misspelt=1)

    assert len(remembered(ours)) == 1


def test_a_demand_of_many_words_is_not_kept(ours: Cluster) -> None:
    cost = {f"{'x' * 60}{number}": 1.0 for number in range(40)}

    first, second = refusal(ours, **cost), refusal(ours, **cost)

    assert first == second
    assert remembered(ours) == {}
