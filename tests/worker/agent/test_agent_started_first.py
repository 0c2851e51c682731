"""There is no order to start in: an agent that is there before Redis waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import agent_tasks
from handoff import Cluster
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.events import await_event
from support.processes import environment
from support.waiting import LIMIT_S, wait_until


@pytest.fixture
def redis_server(own_server: RedisServer) -> RedisServer:
    return own_server


def test_an_agent_that_is_started_before_redis_serves_when_redis_is_there(
    cluster: Cluster, agents: Agents, redis_server: RedisServer
) -> None:
    redis_server.kill()
    agent = agents.start("a", wait=False)
    wait_until(lambda: "waiting for it" in agent.wrote(), "the agent says that it waits")

    redis_server.restart()

    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
    assert "Redis is there after" in agent.wrote()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("refuse", "allow"),
    [
        (lambda client: client.config_set("maxmemory", 1), lambda client: client.config_set("maxmemory", 0)),
        (lambda client: client.replicaof("127.0.0.1", 1), lambda client: client.replicaof("NO", "ONE")),
    ],
    ids=["full", "a replica"],
)
def test_an_agent_that_is_started_while_redis_takes_no_writes_waits_too(
    cluster: Cluster, agents: Agents, refuse: Callable[[Any], Any], allow: Callable[[Any], Any]
) -> None:
    refuse(cluster.connection)
    agent = agents.start("a", wait=False)
    wait_until(lambda: "waiting for it" in agent.wrote(), "the agent says that it waits")

    allow(cluster.connection)

    await_event(cluster, event="node", change="registered", node="a")


@pytest.mark.slow
def test_an_agent_that_waits_for_redis_ends_when_it_is_told_to(
    cluster: Cluster, agents: Agents, redis_server: RedisServer
) -> None:
    redis_server.kill()
    agent = agents.start("a", wait=False)
    wait_until(lambda: "waiting for it" in agent.wrote(), "the agent says that it waits")

    agent.signal(signal.SIGTERM)

    assert agent.wait() == 0
    redis_server.restart()


@pytest.mark.slow
def test_an_agent_that_waits_for_redis_ends_with_the_process_that_started_it() -> None:
    watched, tether = os.pipe()
    command = [sys.executable, "-m", "handoff_worker", "--no-probe", "--tether", str(watched)]
    process = subprocess.Popen(
        command,
        env={**environment(), "HANDOFF_REDIS_URL": "redis://127.0.0.1:1/0"},
        stderr=subprocess.PIPE,
        pass_fds=[watched],
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert "waiting for it" in process.stderr.readline()

        os.close(tether)

        assert process.wait(LIMIT_S) == 0
    os.close(watched)
