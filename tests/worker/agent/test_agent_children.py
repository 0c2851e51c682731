"""Which children the functions of a node have: by their cost, by what they ask for, and by what its operator says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

import agent_tasks
from handoff import DAG, Cluster, Function
from support.agent_processes import Agents
from support.gate import Gate
from support.waiting import LIMIT_S, wait_until


def title(process: psutil.Process) -> str:
    return " ".join(process.cmdline()).rstrip()


def pid(cluster: Cluster, **options: Any) -> Any:
    return cluster.enqueue(agent_tasks.pid, **options).result(LIMIT_S)


def test_each_cost_has_children_with_its_count_of_threads(cluster: Cluster, agents: Agents) -> None:
    agents.start("a", cpu=2)
    costs: list[dict[str, float]] = [{"cpu": 2}, {"cpu": 1}, {"cpu": 1.5}, {"cpu": 0.5}, {}]

    pids = [pid(cluster, cost=cost) for cost in costs]
    counts = [cluster.enqueue(agent_tasks.variables, "OMP_NUM_THREADS", cost=cost).result(LIMIT_S)[0] for cost in costs]

    assert counts == ["2", "1", "2", "1", "1"]
    assert len(set(pids)) == 2
    assert {pids[0], pids[2]} != {pids[1]}
    assert pids[1] == pids[3] == pids[4]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process write over its arguments")
def test_lists_of_processes_show_the_node_and_of_each_child_which_function_it_runs(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    front = f"handoff node a ({cluster.namespace})"
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    child = psutil.Process(gate.arrival().pid)

    shown = [title(process) for process in (*agent.family()[:2], child)]

    runs = f"{front}: agent_tasks.pass_gate {handle.id}"
    assert shown == [front, f"{front}: nursery", runs]
    gate.open("a")
    handle.result(LIMIT_S)
    wait_until(lambda: title(child) == f"{front}: idle", "the child says that it runs nothing")


def test_a_fresh_function_has_a_process_of_its_own(cluster: Cluster, agents: Agents) -> None:
    agents.start("a")
    warm = pid(cluster)

    fresh = {pid(cluster, isolation="fresh") for _ in range(2)}
    dag = DAG().add(Function("f", agent_tasks.pid, isolation="fresh"))
    fresh.add(cluster.execute(dag).results["f"])
    fresh.add(cluster.submit(Function("g", agent_tasks.pid, isolation="fresh")).result(LIMIT_S))

    assert len({warm, *fresh}) == 5
    assert pid(cluster) == warm


def test_children_are_replaced_after_as_many_functions_as_the_operator_says(
    cluster: Cluster, agents: Agents, tmp_path: Path
) -> None:
    (tmp_path / "node.toml").write_text("functions_per_child = 2\n")
    agents.start("a", "--config", str(tmp_path / "node.toml"))
    agents.start("b", "--functions-per-child", "1", "--config", str(tmp_path / "node.toml"))

    on_a, on_b = ([pid(cluster, node=name) for _ in range(4)] for name in "ab")

    assert on_a[0] == on_a[1] != on_a[2] == on_a[3]
    assert len(set(on_b)) == 4
