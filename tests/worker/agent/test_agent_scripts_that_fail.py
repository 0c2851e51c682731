"""Agents where a script fails of what somebody has written: that one ends in a stated way, and all else goes on."""

from __future__ import annotations

import os

import pytest

import agent_tasks
from handoff import Cluster, Handle, HandoffError
from support.agent_processes import Agents
from support.gate import Gate
from support.waiting import LIMIT_S, wait_until

ODD = ["1.5", "x", "", "nan", "inf", "-1.5", "1e400", "9" * 400, "0x10", "1 ", "\u0661"]


@pytest.mark.slow
def test_a_function_that_saves_its_job_with_a_fraction_as_result_ttl_ends_and_nothing_else(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a", cpu=4)
    beside = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, max_retries=0)
    gate.arrival()

    odd = cluster.enqueue(agent_tasks.save_with_a_fraction_as_result_ttl, max_retries=0)

    wait_until(lambda: is_over(odd), "it has ended")
    gate.open("a")
    assert beside.result(LIMIT_S) == 7
    assert cluster.enqueue(os.getpid, node="a").result(LIMIT_S)
    assert (agent.process.poll(), beside.attempts) == (None, 1)


def is_over(handle: Handle) -> bool:
    try:
        return handle.status in ("finished", "failed", "canceled")
    except HandoffError:
        # Kept for no time at all.
        return True


@pytest.mark.slow
@pytest.mark.parametrize("field", ["result_ttl", "failure_ttl"])
def test_no_lifetime_that_a_function_writes_into_its_job_ends_an_agent(
    cluster: Cluster, agents: Agents, field: str
) -> None:
    agent = agents.start("a", cpu=4)
    handles = [
        cluster.enqueue(agent_tasks.write_own_job, field, value, field == "failure_ttl", node="a") for value in ODD
    ]
    wait_until(lambda: all(map(is_over, handles)), "all have ended")

    assert cluster.enqueue(agent_tasks.where, node="a").result(LIMIT_S) == "a"
    assert agent.process.poll() is None
