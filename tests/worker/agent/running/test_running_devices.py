"""What a function finds where it runs: devices, variables, what it can ask about itself, its child and its node."""

from __future__ import annotations

import signal

import pytest

import agent_tasks
from handoff import Cluster, Function, LocalCluster
from handoff_worker.children.confine import THREAD_VARIABLES
from support.events import newest, node_of
from support.gate import Gate
from support.processes import freeze
from support.results import results, told
from support.waiting import LIMIT_S


def test_functions_with_a_gpu_each_see_only_the_one_they_hold(cluster: Cluster, gate: Gate) -> None:
    handles = [cluster.enqueue(agent_tasks.pass_gate_with_devices, gate.folder, cost={"gpu": 1}) for _ in range(2)]
    gate.arrivals(2)
    held = [handle.devices for handle in handles]

    gate.open("a", 2)

    assert results(handles) == ["0", "1"]
    assert held == [{"gpu": [0]}, {"gpu": [1]}]


def test_two_shares_of_one_gpu_run_on_it_at_the_same_time(cluster: Cluster, gate: Gate) -> None:
    handles = [cluster.enqueue(agent_tasks.pass_gate_with_devices, gate.folder, cost={"gpu": 0.5}) for _ in range(2)]
    first, second = gate.arrivals(2)

    gate.open("a", 2)

    assert results(handles) == ["0", "0"]
    assert first.pid != second.pid


def test_functions_that_hold_memory_of_one_gpu_run_on_it_at_the_same_time_and_see_it_alone(
    cluster: Cluster, gate: Gate
) -> None:
    costs = [{"gpu_memory": 4000}, {"gpu_memory": 4000}, {"gpu_memory": 20_000}]
    handles = [cluster.enqueue(agent_tasks.pass_gate_with_devices, gate.folder, cost=cost) for cost in costs]
    arrived = gate.arrivals(3)
    held = [handle.devices for handle in handles]

    gate.open("c", 3)

    assert results(handles) == ["1", "1", "3"]
    assert held == [{"gpu": [1]}, {"gpu": [1]}, {"gpu": [3]}]
    assert len({arrival.pid for arrival in arrived}) == 3


def test_a_function_without_a_gpu_sees_none_where_there_are_some(cluster: Cluster) -> None:
    asked = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")

    seen = [cluster.enqueue(agent_tasks.variables, *asked, node=node).result(LIMIT_S) for node in ("a", "b")]

    assert seen == [["", "PCI_BUS_ID"], [None, None]]


def test_the_thread_counts_of_libraries_follow_the_cpu_that_a_function_holds(cluster: Cluster) -> None:
    seen = [
        cluster.enqueue(agent_tasks.variables, *THREAD_VARIABLES, cost=cost).result(LIMIT_S)
        for cost in ({"cpu": 2}, {"cpu": 0.5}, None)
    ]

    assert seen == [[count] * len(THREAD_VARIABLES) for count in ("2", "1", "1")]


def test_a_child_that_had_one_gpu_has_ended_before_that_gpu_goes_to_a_child_with_two(
    cluster: Cluster, gate: Gate
) -> None:
    handles = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1}) for _ in range(2)]
    before = [arrival.pid for arrival in gate.arrivals(2)]
    gate.open("a", 2)
    results(handles)

    still = cluster.enqueue(agent_tasks.are_alive, before, cost={"gpu": 2}).result(LIMIT_S)

    assert still == [False, False]


# What a function can ask about itself.


def test_a_function_knows_how_it_was_placed(cluster: Cluster) -> None:
    handle = cluster.submit(Function("train", agent_tasks.about_me, cost={"cpu": 0.5, "gpu_memory": 6000}))

    assert handle.result(LIMIT_S) == {
        "id": handle.id, "function_id": "train", "node": "c", "devices": {"gpu": [1]}, "attempt": 1, "variant": 0,
        "cost": {"cpu": 0.5, "gpu_memory": 6000},
    }  # fmt: skip


def test_a_function_that_was_placed_with_another_of_its_costs_knows_it_and_has_its_threads(cluster: Cluster) -> None:
    costs = [{"fpga": 1, "cpu": 1}, {"cpu": 4}, {"cpu": 2}]

    told = cluster.enqueue(agent_tasks.about_me, cost=costs).result(LIMIT_S)
    threads = cluster.enqueue(agent_tasks.variables, "OMP_NUM_THREADS", cost=costs).result(LIMIT_S)

    assert (told["variant"], told["cost"], told["node"]) == (1, {"cpu": 4}, "b")
    assert threads == ["4"]


def test_a_function_knows_which_attempt_this_is(cluster: Cluster) -> None:
    told = cluster.enqueue(agent_tasks.about_my_second_attempt, max_retries=1).result(LIMIT_S)

    assert told["attempt"] == 2


# Children.


def test_a_warm_child_is_used_again(cluster: Cluster) -> None:
    first = cluster.enqueue(agent_tasks.pid, node="b").result(LIMIT_S)

    assert cluster.enqueue(agent_tasks.pid, node="b").result(LIMIT_S) == first


def test_a_warm_child_is_used_again_for_the_gpu_that_it_is_bound_to_and_for_no_other(
    cluster: Cluster, gate: Gate
) -> None:
    first = cluster.enqueue(agent_tasks.pid, cost={"gpu": 1}).result(LIMIT_S)
    holding = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"gpu": 1})
    again = gate.arrival().pid
    other = cluster.enqueue(agent_tasks.pid, cost={"gpu": 1}).result(LIMIT_S)
    gate.open("a")
    holding.result(LIMIT_S)

    assert again == first
    assert other != first


def test_every_started_function_has_a_child_of_its_own(cluster: Cluster, gate: Gate) -> None:
    handles = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, node="a") for _ in range(8)]

    arrived = gate.arrivals(8)

    gate.open("a", 8)
    results(handles)
    assert len({arrival.pid for arrival in arrived}) == 8


def test_a_node_that_names_no_slots_runs_24_functions_or_4_per_core_at_once(cluster: Cluster, gate: Gate) -> None:
    handles = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, node="a") for _ in range(25)]
    gate.arrivals(24)

    assert handles[24].status == "waiting"

    gate.open("a", 25)
    results(handles)
    assert [cluster.tracker.capabilities(node)["slots"] for node in ("a", "b")] == [24, 32]


def test_many_functions_are_taken_in_one_exchange_but_for_one_that_is_handed_over_and_delivered_in_few(
    local: tuple[LocalCluster, Cluster], cluster: Cluster, gate: Gate
) -> None:
    agent = local[0].agents["b"]
    # Cold, an agent takes no more than it can fork children for.
    warm = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, node="b") for _ in range(32)]
    gate.arrivals(32)
    gate.open("b", 32)
    results(warm)
    after = newest(cluster)
    freeze(agent.pid)
    handles = [
        cluster.enqueue(agent_tasks.pass_gate, gate.folder, node="b", on_success=agent_tasks.tell_result)
        for _ in range(32)
    ]
    agent.send_signal(signal.SIGCONT)
    gate.arrivals(32)
    freeze(agent.pid)
    gate.open("b", 32)
    for handle in handles:
        told(cluster, handle)

    agent.send_signal(signal.SIGCONT)
    results(handles)

    # What one exchange does has one time.
    times = {
        kind: {event["at_ms"] for _, event in cluster.events(after) if event["event"] == kind}
        for kind in ("started", "released")
    }
    assert len(times["started"]) <= 2
    assert len(times["released"]) < 16


def test_the_books_of_a_node_show_what_a_running_function_holds(cluster: Cluster, gate: Gate) -> None:
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"cpu": 1, "gpu": 0.25})
    gate.arrival()

    used = dict(node_of(cluster, "a").used)

    gate.open("a")
    handle.result(LIMIT_S)
    assert used == {"cpu": 10_000, "gpu": 2_500, "slots": 10_000}


@pytest.mark.parametrize(
    ("where", "node"),
    [({"zone": "west"}, "c"), ({"zone": ["north", "east"]}, "b"), ({"gpu_model": "A10 / T4"}, "c"), ({}, "a")],
    ids=str,
)
def test_a_function_runs_where_the_labels_are_as_it_asks(
    cluster: Cluster, where: dict[str, str | list[str]], node: str
) -> None:
    assert cluster.enqueue(agent_tasks.where, where=where).result(LIMIT_S) == node


def test_a_function_knows_its_node(cluster: Cluster) -> None:
    assert [cluster.enqueue(agent_tasks.where, node=node).result(LIMIT_S) for node in ("a", "b")] == ["a", "b"]
