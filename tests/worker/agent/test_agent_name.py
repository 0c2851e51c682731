"""Which of two agents has the name of a node."""

from __future__ import annotations

import signal
import socket

import psutil
import pytest

import agent_tasks
from handoff import Cluster
from support.agent_processes import Agents
from support.clock import Clock
from support.deadlines import LEASE_S, end_lease
from support.events import await_event, newest
from support.gate import Gate
from support.lost import assert_lost
from support.processes import await_end
from support.waiting import LIMIT_S, wait_until


def test_an_agent_that_follows_a_dead_one_on_its_host_has_the_name_at_once(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    agent.signal(signal.SIGKILL)
    agent.wait()
    queued = cluster.enqueue(agent_tasks.where)

    agents.start("a")

    assert_lost(lost, "a")
    assert queued.result(LIMIT_S) == "a"


def test_a_second_agent_waits_one_lease_and_then_names_who_has_the_name(
    cluster: Cluster, agents: Agents, clock: Clock
) -> None:
    first = agents.start("a")

    second = agents.start("a", wait=False, clock=clock)
    waits_s = clock.await_sleep()
    clock.end_sleep()

    assert second.wait() == 1
    assert 0 < waits_s < LEASE_S + 1
    waiting, refused = second.wrote().splitlines()
    assert f"node a is held by process {first.process.pid} on {socket.gethostname()}; waiting" in waiting
    assert f"held by the agent with process id {first.process.pid} on host {socket.gethostname()}" in refused
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"


@pytest.mark.slow
def test_a_second_agent_takes_over_if_the_first_one_dies_meanwhile(
    cluster: Cluster, agents: Agents, clock: Clock
) -> None:
    first = agents.start("a")
    second = agents.start("a", wait=False, clock=clock)
    clock.await_sleep()
    assert "is held by" in second.wrote()
    after = newest(cluster)

    first.signal(signal.SIGKILL)
    first.wait()
    # A signal that is none of its end must not cut the waiting short.
    second.signal(signal.SIGCONT)
    clock.await_sleep()
    end_lease(cluster, "a")
    clock.end_sleep()

    await_event(cluster, after, event="node", change="registered", node="a")
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
    assert second.process.poll() is None


@pytest.mark.slow
def test_an_agent_that_is_told_to_end_while_it_waits_for_its_name_leaves_nothing(
    cluster: Cluster, agents: Agents
) -> None:
    agents.start("a")
    second = agents.start("a", wait=False)
    wait_until(lambda: "is held by" in second.wrote(), "the second agent waits")
    family = second.family()

    second.signal(signal.SIGTERM)

    assert second.wait() == 0
    assert [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    assert list(cluster.discover_nodes()) == ["a"]


@pytest.mark.slow
def test_an_agent_takes_a_static_node_over_with_what_stands_on_it(cluster: Cluster, agents: Agents) -> None:
    cluster.register_node("a", {"cpu": 2})
    claim = cluster.tracker.request("a", {"cpu": 0.5})
    queued = cluster.enqueue(agent_tasks.where, cost={"cpu": 1})
    before = (queued.status, queued.node)

    agents.start("a", cpu=4)

    assert queued.result(LIMIT_S) == "a"
    assert before == ("queued", "a")
    assert cluster.tracker.available("a") == {"cpu": 3.5, "slots": 24}
    assert cluster.tracker.release(claim)


@pytest.mark.slow
def test_an_agent_that_comes_back_and_finds_another_in_its_place_ends_and_names_it(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    first = agents.start("a")
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    family = first.family()
    first.freeze()
    end_lease(cluster, "a")
    second = agents.start("a")

    first.signal(signal.SIGCONT)

    assert first.wait() == 1
    await_end(family)
    assert f"held by the agent with process id {second.process.pid}" in first.wrote().splitlines()[-1]
    assert_lost(lost, "a")
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
