"""Agents after Redis was rolled back: what has ended is not run again, and keeps its result."""

from __future__ import annotations

import signal

import pytest
from rq.suspension import resume, suspend

import agent_tasks
from handoff import Cluster
from support.agent_processes import Agents
from support.gate import Gate
from support.roll_back import snapshot
from support.waiting import LIMIT_S

LEASE_S = 20.0
"""A sixth of it is how long agents wait for each other's word, twice."""


@pytest.mark.slow
def test_functions_that_have_ended_are_not_run_again_and_keep_their_results(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agents.start("a", cpu=4, lease=LEASE_S)
    values: list[int | bytes] = [7, b"x" * 700_000]
    started = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, value) for value in values]
    gate.arrivals(2)
    suspend(cluster.connection)
    queued = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, value) for value in values]
    bring_back = snapshot(cluster)
    resume(cluster.connection)
    gate.arrivals(2)
    gate.open("a", 4)
    handles = [*started, *queued]
    assert [handle.result(LIMIT_S) for handle in handles] == [*values, *values]

    bring_back()
    resume(cluster.connection)

    assert [handle.result(LIMIT_S) for handle in handles] == [*values, *values]
    assert [handle.attempts for handle in handles] == [1, 1, 1, 1]
    # They would stand at the gate by now.
    assert cluster.enqueue(agent_tasks.where, node="a").result(LIMIT_S) == "a"
    assert not gate.is_waited_at()


@pytest.mark.slow
def test_what_was_finished_elsewhere_is_not_started_by_a_neighbour(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agents.start("a", "--slots", "1", lease=LEASE_S)
    agents.start("b", "--slots", "1", lease=LEASE_S)
    blocks = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, name, node=name) for name in "ab"]
    gate.arrivals(2)
    waits = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    bring_back = snapshot(cluster)
    gate.open("a", 2)
    gate.arrival()
    assert [blocks[0].result(LIMIT_S), waits.result(LIMIT_S)] == ["a", 7]

    bring_back()

    assert [blocks[0].result(LIMIT_S), waits.result(LIMIT_S)] == ["a", 7]
    gate.open("b")
    assert blocks[1].result(LIMIT_S) == "b"
    assert [handle.attempts for handle in (*blocks, waits)] == [1, 1, 1]
    assert not gate.is_waited_at()


def test_an_agent_keeps_its_node_when_the_books_name_the_dead_one_before_it(cluster: Cluster, agents: Agents) -> None:
    before = agents.start("a", lease=LEASE_S)
    bring_back = snapshot(cluster)
    before.signal(signal.SIGKILL)
    before.wait()
    agent = agents.start("a", lease=LEASE_S)

    bring_back()

    # What is handed to the dead one before the books name this one counts as started there.
    assert cluster.enqueue(agent_tasks.where, max_retries=1).result(LIMIT_S) == "a"
    assert agent.process.poll() is None
