"""Few files that an agent may have open: it raises the limit, takes on no more than fits, and does not die of it."""

from __future__ import annotations

import psutil

import agent_tasks
from handoff import Cluster
from support.agent_processes import Agents
from support.gate import Gate
from support.results import results
from support.waiting import LIMIT_S


def test_an_agent_raises_its_soft_limit_of_open_files_as_far_as_its_slots_need(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a", "--slots", "40", open_files=(40, 1000))
    handles = [cluster.enqueue(agent_tasks.pass_gate, gate.folder) for _ in range(40)]

    gate.arrivals(40)
    gate.open("a", 40)

    results(handles)
    assert agent.process.poll() is None
    assert cluster.tracker.capabilities("a")["slots"] == 40


def test_an_agent_that_may_have_few_files_open_has_as_many_slots_as_fit_and_says_so(
    cluster: Cluster, agents: Agents
) -> None:
    agent = agents.start("a", "--slots", "80", open_files=(60, 60))

    results([cluster.enqueue(agent_tasks.where) for _ in range(80)])

    assert agent.process.poll() is None
    assert cluster.tracker.capabilities("a")["slots"] == 4
    assert "4 functions run here at once, and not 80: a process may have only 60 files open" in agent.wrote()


def test_an_agent_whose_functions_are_bound_to_many_devices_has_no_more_children_than_fit(
    cluster: Cluster, agents: Agents
) -> None:
    agent = agents.start("a", "--slots", "8", "--gpu", str([*range(30)]), open_files=(48, 48))

    for round in range(2):
        for gpus in range(1, 12):
            assert cluster.enqueue(agent_tasks.where, cost={"gpu": gpus}).result() == "a", round

    assert agent.process.poll() is None


def test_an_agent_and_its_children_listen_on_no_port(cluster: Cluster, agents: Agents) -> None:
    agent = agents.start("a")
    cluster.enqueue(agent_tasks.nothing).result(LIMIT_S)

    found = [each for process in agent.family() for each in process.net_connections(kind="inet")]

    assert found
    assert not [each for each in found if each.status == psutil.CONN_LISTEN]
