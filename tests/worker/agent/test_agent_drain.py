"""What becomes of functions on a node that is drained, and of the drain."""

from __future__ import annotations

import signal

import pytest

import agent_tasks
from child_tasks import alive
from handoff import Cluster
from support.agent_processes import Agents
from support.gate import Gate
from support.lost import assert_lost
from support.results import told
from support.waiting import LIMIT_S, wait_until


@pytest.mark.slow
def test_what_still_runs_at_the_deadline_of_a_drain_is_lost_or_tried_elsewhere(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agents.start("a")
    nursery = cluster.enqueue(agent_tasks.parent).result(LIMIT_S)
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder, on_failure=agent_tasks.tell_failure)
    retried = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, max_retries=1)
    pids = [arrival.pid for arrival in gate.arrivals(2)]
    agents.start("b")

    cluster.drain("a", deadline=0.2)

    why = "node a is drained and the deadline of that ended"
    assert assert_lost(lost, "a") == why
    assert told(cluster, lost) == (f"a: OriginalUnavailable handoff.errors.NodeLost: {why} in a child of {nursery}")
    assert gate.arrival().node == "b"
    gate.open("b")
    assert retried.result(LIMIT_S) == 7
    assert (lost.status, lost.attempts, retried.attempts) == ("failed", 1, 2)
    assert not any(map(alive, pids))
    assert cluster.store.read("LLEN", f"told:{lost.id}") == 0


def test_a_function_that_ends_before_the_deadline_of_a_drain_has_its_result(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()

    cluster.drain("a", deadline=3600)
    late = cluster.enqueue(agent_tasks.where)
    meanwhile = late.status
    gate.open("a")

    assert running.result(LIMIT_S) == 7
    assert meanwhile == "waiting"
    cluster.undrain("a")
    assert late.result(LIMIT_S) == "a"


@pytest.mark.slow
def test_a_drain_outlives_the_agent_that_it_was_meant_for(cluster: Cluster, agents: Agents) -> None:
    first = agents.start("a")
    cluster.drain("a")
    first.signal(signal.SIGKILL)
    first.wait()
    agents.start("a")

    waiting = cluster.enqueue(agent_tasks.where)

    assert waiting.status == "waiting"
    cluster.undrain("a")
    assert waiting.result(LIMIT_S) == "a"


def test_what_the_deadline_of_a_drain_will_cost_is_in_the_log_before(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()

    cluster.drain("a", deadline=3600)

    wait_until(lambda: running.id in agent.wrote(), "the agent has said it")
    assert "drained: 1 functions have until " in agent.wrote()
    assert running.status == "started"
    gate.open("a")
    running.result(LIMIT_S)
    cluster.undrain("a")
