"""An agent that is killed or cut off: what becomes of its functions, here and elsewhere."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import agent_tasks
from child_tasks import alive
from handoff import Cluster
from support.agent_processes import Agents
from support.deadlines import end_lease
from support.events import await_event, exchanges, newest, node_of
from support.gate import Gate
from support.lost import assert_lost
from support.processes import await_end
from support.results import told
from support.waiting import LIMIT_S, wait_until


def test_an_agent_that_is_killed_leaves_no_process_and_its_functions_are_lost_or_tried_elsewhere(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    retried = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, max_retries=1)
    gate.arrivals(2)
    family = agent.family()
    agents.start("b")

    agent.signal(signal.SIGKILL)

    await_end(family)
    assert len(family) == 4
    end_lease(cluster, "a")
    assert_lost(lost, "a")
    assert gate.arrival().node == "b"
    gate.open("b")
    assert retried.result(LIMIT_S) == 7
    assert (lost.attempts, retried.attempts) == (1, 2)


@pytest.mark.slow
def test_on_failure_of_a_function_that_was_lost_is_told_by_another_node(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder, on_failure=agent_tasks.tell_failure)
    gate.arrival()
    agents.start("b")

    agent.signal(signal.SIGKILL)
    agent.wait()
    end_lease(cluster, "a")

    assert_lost(lost, "a")
    said = told(cluster, lost)
    assert said.startswith("b: ")
    assert "node a was lost" in said
    assert cluster.store.read("LLEN", f"told:{lost.id}") == 0


# Cut off, and back.


@pytest.mark.slow
def test_an_agent_that_comes_back_stops_what_it_lost_and_its_late_results_are_refused(
    cluster: Cluster, agents: Agents, gate: Gate, tmp_path: Path
) -> None:
    (tmp_path / "slow").mkdir()
    slow_gate = Gate(tmp_path / "slow", "a", "b")
    agent = agents.start("a")
    slow = cluster.enqueue(agent_tasks.pass_gate, slow_gate.folder, "slow", max_retries=1)
    pid = slow_gate.arrival().pid
    late = cluster.enqueue(
        agent_tasks.pass_gate, gate.folder, "late", max_retries=1, on_success=agent_tasks.tell_result
    )
    gate.arrival()
    agents.start("b")

    agent.freeze()
    gate.open("a")
    said = told(cluster, late)
    end_lease(cluster, "a")
    elsewhere = [gate.arrival().node, slow_gate.arrival().node]
    after = newest(cluster)
    agent.signal(signal.SIGCONT)
    await_event(cluster, after, event="node", change="registered", node="a")

    wait_until(lambda: not alive(pid), "the end of what the node had lost")
    assert said == "a: late"
    assert elsewhere == ["b", "b"]
    assert [late.status, slow.status] == ["started", "started"]
    gate.open("b")
    slow_gate.open("b")
    assert [late.result(LIMIT_S), slow.result(LIMIT_S)] == ["late", "slow"]
    assert [late.attempts, slow.attempts] == [2, 2]
    assert cluster.enqueue(agent_tasks.where, node="a").result(LIMIT_S) == "a"
    slow_gate.close()


@pytest.mark.slow
def test_a_node_that_is_cut_off_is_not_given_more(cluster: Cluster, agents: Agents) -> None:
    agent = agents.start("a", "--label", "zone=a")
    wait_until(lambda: exchanges(cluster, "a") > 0, "its first heartbeat, before its first exchange")
    agent.freeze()
    end_lease(cluster, "a")
    assert node_of(cluster, "a").lease_ms == 0

    handle = cluster.enqueue(agent_tasks.where, where={"zone": "a"})

    assert handle.verdict is not None
    assert handle.verdict.state == "infeasible"
    assert cluster.discover_nodes() == {}
    agent.signal(signal.SIGCONT)
    assert handle.result(LIMIT_S) == "a"
