"""What functions have started ends with them, whoever of agent and nursery dies; and what an agent says of it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

import agent_tasks
import child_leftovers
from child_tasks import alive
from handoff import Cluster, FunctionCanceled, FunctionFailed
from support.agent_processes import Agents
from support.lost import assert_lost
from support.waiting import LIMIT_S, wait_until


def test_what_a_canceled_function_has_started_is_gone_when_its_reservation_is_back(
    cluster: Cluster, agents: Agents, tmp_path: Path
) -> None:
    agents.start("a", cpu=1)
    path = tmp_path / "pid"
    handle = cluster.enqueue(child_leftovers.leave_and_wait, "no environment", str(path), cost={"cpu": 1})
    wait_until(path.exists, "it has started a process")
    after = cluster.enqueue(agent_tasks.are_alive, [int(path.read_text())], cost={"cpu": 1})

    handle.cancel()

    assert after.result(LIMIT_S) == [False]
    with pytest.raises(FunctionCanceled):
        handle.result(LIMIT_S)


@pytest.mark.parametrize("way", ["no environment", "daemon"])
def test_what_functions_have_started_ends_and_is_reaped_when_their_nursery_is_killed(
    cluster: Cluster, agents: Agents, tmp_path: Path, way: str
) -> None:
    agent = agents.start("a")
    path = tmp_path / "pid"
    lost = cluster.enqueue(child_leftovers.leave_and_wait, way, str(path))
    wait_until(path.exists, "it has started a process")
    (nursery,) = psutil.Process(agent.process.pid).children()

    nursery.kill()

    with pytest.raises(FunctionFailed, match="nursery is gone"):
        lost.result(LIMIT_S)
    assert not alive(int(path.read_text()))
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
    assert psutil.STATUS_ZOMBIE not in [child.status() for child in psutil.Process(agent.process.pid).children()]


@pytest.mark.parametrize("way", ["own session", "daemon"])
def test_what_an_agent_leaves_that_is_killed_with_its_nursery_is_ended_by_the_next_one(
    cluster: Cluster, agents: Agents, tmp_path: Path, way: str
) -> None:
    agent = agents.start("a")
    path = tmp_path / "pid"
    lost = cluster.enqueue(child_leftovers.leave_and_wait, way, str(path))
    wait_until(path.exists, "it has started a process")
    pid = int(path.read_text())
    (nursery,) = psutil.Process(agent.process.pid).children()
    nursery.suspend()
    agent.signal(signal.SIGKILL)
    agent.wait()
    os.kill(nursery.pid, signal.SIGKILL)

    agents.start("a")

    assert not alive(pid)
    assert_lost(lost, "a")
