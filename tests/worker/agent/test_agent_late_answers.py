"""An agent of which an exchange is on its way: what it answers is held up while functions end, or the agent does."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

import agent_tasks
from handoff import Cluster
from handoff.client.handle import Handle
from handoff.local.server import RedisServer
from support.agent_processes import Agent, Agents
from support.deadlines import end_lease
from support.gate import Gate
from support.link import Link
from support.processes import await_end
from support.waiting import LIMIT_S


@pytest.fixture
def link(redis_server: RedisServer) -> Iterator[Link]:
    with Link(redis_server.port) as link:
        yield link


@pytest.fixture
def agent(agents: Agents, link: Link) -> Agent:
    direct, agents.url = agents.url, link.url(agents.url)
    agent = agents.start("a", "--slots", "2")
    agents.url = direct
    return agent


def hold_up(cluster: Cluster, link: Link, gate: Gate) -> list[Handle]:
    """Have an exchange be on its way that has delivered the first of three functions, and started the last."""
    running = [
        cluster.enqueue(agent_tasks.pass_gate, gate.folder, 0),
        cluster.enqueue(agent_tasks.pass_gate, gate.folder, 1),
    ]
    gate.arrivals(2)
    last = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 2, max_retries=1)
    link.down.close()
    gate.open("a")
    # What is small passes after a while, such as the answer of a tick that was asked for before.
    link.down.drip(
        2**4, lambda: last.status == "started", "the last one is started, and its agent does not know it yet"
    )
    return [*sorted(running, key=lambda handle: handle.status), last]


def test_what_ends_while_an_answer_is_held_up_is_delivered_and_what_that_has_started_runs(
    cluster: Cluster, agent: Agent, link: Link, gate: Gate
) -> None:
    first, second, last = hold_up(cluster, link, gate)
    gate.open("a")

    link.down.open()
    gate.open("a")

    assert sorted([first.result(LIMIT_S), second.result(LIMIT_S)]) == [0, 1]
    assert last.result(LIMIT_S) == 2
    assert [handle.attempts for handle in (first, second, last)] == [1] * 3
    # Before its link goes: else it would try for its whole grace to hear that the last one was delivered.
    agent.signal(signal.SIGTERM)
    assert agent.wait() == 0


def test_what_was_started_by_an_answer_that_its_agent_did_not_live_to_hear_is_tried_elsewhere(
    cluster: Cluster, agents: Agents, agent: Agent, link: Link, gate: Gate
) -> None:
    first, second, last = hold_up(cluster, link, gate)
    family = agent.family()
    agents.start("b")

    agent.signal(signal.SIGKILL)

    await_end(family)
    end_lease(cluster, "a")
    assert gate.arrival().node == "b"
    gate.open("b")
    assert last.result(LIMIT_S) == 2
    assert (first.status, second.status) == ("finished", "failed")
    assert [handle.attempts for handle in (first, second, last)] == [1, 1, 2]


def test_an_agent_that_is_told_to_end_while_an_answer_is_held_up_ends_when_what_that_has_started_is_done(
    cluster: Cluster, agent: Agent, link: Link, gate: Gate
) -> None:
    handles = hold_up(cluster, link, gate)

    agent.signal(signal.SIGTERM)
    gate.open("a", 2)
    link.down.open()

    assert agent.wait() == 0
    assert sorted(handle.result(0) for handle in handles) == [0, 1, 2]
    assert [handle.attempts for handle in handles] == [1] * 3
