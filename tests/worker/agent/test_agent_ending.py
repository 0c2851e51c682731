"""How an agent ends that is told to: TERM, INT, TSTP, and its node deregistered."""

from __future__ import annotations

import signal

import pytest

import agent_tasks
from child_tasks import alive
from handoff import Cluster
from support.agent_processes import Agents
from support.gate import Gate
from support.lost import assert_lost
from support.processes import await_end
from support.waiting import LIMIT_S, wait_until


@pytest.mark.slow
def test_term_lets_what_runs_finish_and_hands_the_queue_to_another_node(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()
    agent.freeze()
    # It may be handed over, for the agent waits; what comes behind it stands on the queue.
    cluster.enqueue(agent_tasks.where)
    queued = cluster.enqueue(agent_tasks.where)
    agents.start("b")
    where_before = (queued.status, queued.node)

    agent.signal(signal.SIGTERM, signal.SIGCONT)

    assert queued.result(LIMIT_S) == "b"
    assert where_before == ("queued", "a")
    assert running.status == "started"
    family = agent.family()
    gate.open("a")
    assert running.result(LIMIT_S) == 7
    assert agent.wait() == 0
    await_end(family)
    assert list(cluster.discover_nodes()) == ["b"]
    said = next(line for line in agent.wrote().splitlines() if "functions have 30 s to finish" in line)
    assert running.id in said


@pytest.mark.slow
def test_a_node_that_was_told_to_end_takes_nothing_more(cluster: Cluster, agents: Agents, gate: Gate) -> None:
    agent = agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    agent.signal(signal.SIGTERM)
    wait_until(lambda: not cluster.resources_available("a", None), "the node takes no more")

    late = cluster.enqueue(agent_tasks.where)

    assert late.status == "waiting"
    gate.open("a")
    running.result(LIMIT_S)
    assert agent.wait() == 0
    agents.start("b")
    assert late.result(LIMIT_S) == "b"


@pytest.mark.slow
def test_what_still_runs_when_the_grace_is_over_is_lost_or_tried_elsewhere(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a", "--grace", "0.2")
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    retried = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, max_retries=1)
    pids = [arrival.pid for arrival in gate.arrivals(2)]
    agents.start("b")

    agent.signal(signal.SIGTERM)

    assert assert_lost(lost, "a") == "the agent on node a was told to stop and its grace of 0.2 s ended"
    assert gate.arrival().node == "b"
    gate.open("b")
    assert retried.result(LIMIT_S) == 7
    assert (lost.attempts, retried.attempts) == (1, 2)
    assert agent.wait() == 0
    foretold, ended = agent.wrote().splitlines()
    assert "2 functions have 0.2 s to finish" in foretold
    assert "the grace of 0.2 s has ended: 2 functions are stopped" in ended
    assert lost.id in foretold
    assert lost.id in ended
    assert retried.id not in agent.wrote()
    assert not any(map(alive, pids))


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_the_second_signal_ends_the_agent_at_once_and_without_a_traceback(
    cluster: Cluster, agents: Agents, gate: Gate, number: int
) -> None:
    agent = agents.start("a", "--grace", "3600")
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    family = agent.family()
    agent.signal(number)
    wait_until(lambda: not cluster.resources_available("a", None), "the node takes no more")

    agent.signal(number)

    assert agent.wait() == 0
    await_end(family)
    assert assert_lost(handle, "a") == "the agent on node a was told to stop at once"
    assert cluster.discover_nodes() == {}
    foretold, ended = agent.wrote().splitlines()
    assert "1 functions have 3600 s to finish" in foretold
    assert "told to end at once: 1 functions are stopped" in ended
    assert handle.id in ended


def test_a_quiet_node_finishes_what_it_runs_and_takes_again_when_told_to(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()
    agent.signal(signal.SIGTSTP)
    wait_until(lambda: not cluster.resources_available("a", None), "the node takes no more")

    waiting = cluster.enqueue(agent_tasks.where)
    gate.open("a")
    assert running.result(LIMIT_S) == 7
    meanwhile = (waiting.status, list(cluster.discover_nodes()))
    agent.signal(signal.SIGCONT)

    assert waiting.result(LIMIT_S) == "a"
    assert meanwhile == ("waiting", ["a"])


def test_a_deregistered_agent_ends_and_what_it_ran_is_lost(cluster: Cluster, agents: Agents, gate: Gate) -> None:
    agent = agents.start("a")
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    family = agent.family()

    cluster.deregister_node("a")

    assert assert_lost(handle, "a") == "node a was deregistered"
    assert agent.wait() == 0
    await_end(family)
    assert cluster.discover_nodes() == {}
