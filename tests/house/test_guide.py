"""The guide: one node with cores, memory, devices and a resource of the user's own, and what it runs and refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import agent_tasks
from handoff import Cluster
from support.gate import Gate
from support.local import local_cluster
from support.waiting import LIMIT_S, wait_until

NODE = "node1@example.com"
CAPABILITIES = {"cpu": 8, "memory": 16000, "gpu": 2, "specialized_hardware": 1}

LIGHT = {"cpu": 2, "memory": 4000}
ON_GPU = {"gpu": 1, "memory": 6000}
SPECIAL = {"specialized_hardware": 1, "memory": 2000}


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    with local_cluster({NODE: CAPABILITIES}) as cluster:
        yield cluster


@pytest.fixture
def cluster(started: Cluster) -> Iterator[Cluster]:
    """The one cluster of the guide; after each test all of it is available again."""
    yield started
    wait_until(lambda: available(started) == CAPABILITIES, "everything is available again")
    assert started.resources_available(NODE, CAPABILITIES)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path, NODE)
    yield gate
    gate.close()


def available(cluster: Cluster) -> dict[str, int | float]:
    """What is free on the node, but for the slots, of which an agent always has some."""
    return {name: amount for name, amount in cluster.tracker.available(NODE).items() if name != "slots"}


def test_the_node_is_discovered_with_what_it_has(cluster: Cluster) -> None:
    found = cluster.discover_nodes()

    assert list(found) == [NODE]
    assert CAPABILITIES.items() <= found[NODE].items()


@pytest.mark.parametrize(
    ("node", "cost", "fits"),
    [
        (NODE, {"cpu": 4, "memory": 8000}, True),
        (NODE, CAPABILITIES, True),
        (NODE, {"cpu": 9}, False),
        (NODE, {"tpu": 1}, False),
        ("node2@example.com", {"cpu": 4, "memory": 8000}, False),
    ],
    ids=["half of it", "all of it", "more cores than it has", "what it has none of", "on an unknown node"],
)
def test_resources_are_available_where_the_cost_fits(
    cluster: Cluster, node: str, cost: dict[str, int], fits: bool
) -> None:
    assert cluster.resources_available(node, cost) is fits


@pytest.mark.parametrize("cost", [LIGHT, ON_GPU, SPECIAL], ids=["cores", "a device", "the user's own resource"])
def test_a_function_that_fits_runs_on_the_node_and_returns(cluster: Cluster, cost: dict[str, int]) -> None:
    handle = cluster.enqueue(agent_tasks.echo, "done", cost=cost)

    assert handle.result(LIMIT_S) == "done"
    assert (handle.status, handle.node) == ("finished", NODE)


def test_what_a_running_function_costs_is_not_available_meanwhile(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost=LIGHT)
    gate.arrival()

    assert available(cluster) == {**CAPABILITIES, "cpu": 6, "memory": 12000}
    assert not cluster.resources_available(NODE, {"cpu": 7})

    gate.open(NODE)
    handle.result(LIMIT_S)


def test_while_two_functions_hold_both_gpus_a_third_waits_and_starts_when_one_ends(
    cluster: Cluster, gate: Gate
) -> None:
    first, second = (cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost=ON_GPU) for _ in range(2))
    gate.arrivals(2)

    third = cluster.enqueue(agent_tasks.pass_gate, gate.folder, "third", cost=ON_GPU)

    assert third.verdict is not None
    assert (third.verdict.state, third.status, third.node) == ("waiting", "waiting", None)
    assert sorted(first.devices["gpu"] + second.devices["gpu"]) == [0, 1]

    gate.open(NODE)
    gate.arrival()
    wait_until(lambda: sorted([first.status, second.status]) == ["finished", "started"], "one of both has ended")
    ended = first if first.status == "finished" else second
    assert (third.status, third.node, third.devices) == ("started", NODE, ended.devices)

    gate.open(NODE, 2)
    assert [handle.result(LIMIT_S) for handle in (first, second, third)] == [None, None, "third"]


def test_more_gpus_than_the_node_has_are_infeasible_and_it_says_why(cluster: Cluster) -> None:
    handle = cluster.enqueue(agent_tasks.nothing, cost={"gpu": 3})

    assert handle.verdict is not None
    assert (handle.verdict.state, handle.verdict.node) == ("infeasible", None)
    assert "gpu 3 wanted" in handle.verdict.reason
    assert handle.status == "waiting"
    assert handle.cancel()
