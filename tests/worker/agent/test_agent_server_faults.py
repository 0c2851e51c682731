"""An agent says at its start what is wrong with its server, and does not serve one that is too old."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

import agent_tasks
from handoff import Cluster
from handoff.local.server import RedisServer
from support import need_redis_server
from support.agent_processes import Agents
from support.link import Link
from support.private_servers import server_of
from support.waiting import LIMIT_S


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """One that evicts and keeps nothing, and is not known for one to be thrown away."""
    need_redis_server()
    with server_of(tmp_path, "--maxmemory-policy", "allkeys-lru") as server:
        yield server


def test_an_agent_warns_once_of_a_server_that_evicts_and_keeps_nothing_and_serves_it(
    cluster: Cluster, agents: Agents, redis_server: RedisServer
) -> None:
    agent = agents.start("a")

    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
    address = f"Redis at redis://127.0.0.1:{redis_server.port}/0"
    evicts, forgets = (line for line in agent.wrote().splitlines() if address in line)
    assert f"WARNING {address} throws keys away when its memory is full (maxmemory-policy allkeys-lru)" in evicts
    assert evicts.endswith(": set maxmemory-policy to noeviction")
    assert f"WARNING {address} keeps nothing on disk" in forgets
    assert forgets.endswith(": set appendonly to yes")


def test_an_agent_that_may_not_ask_says_nothing(cluster: Cluster, agents: Agents, redis_server: RedisServer) -> None:
    with redis.Redis.from_url(redis_server.url) as admin:
        admin.execute_command("ACL", "SETUSER", "agent", "on", ">secret", "~*", "&*", "+@all", "-@admin", "-@dangerous")
    agents.url = f"redis://agent:secret@127.0.0.1:{redis_server.port}/0"
    agent = agents.start("a")

    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
    assert agent.wrote() == ""


def test_an_agent_does_not_start_on_a_server_that_is_too_old(
    cluster: Cluster, agents: Agents, redis_server: RedisServer
) -> None:
    def older(said: bytes) -> bytes:
        return re.sub(rb"(redis_version:)\d", rb"\g<1>5", said)

    with Link(redis_server.port, older) as link:
        agents.url = link.url(redis_server.url)
        agent = agents.start("a", wait=False)

        assert agent.wait() == 1
    (line,) = agent.wrote().splitlines()
    assert re.fullmatch(
        rf"handoff node: Redis at redis://127.0.0.1:{link.port}/0 is too old "
        r"\(it is of version 5[.0-9]+, and Handoff needs 6.2 or later\): upgrade it, or give the address of another",
        line,
    )
    assert cluster.discover_nodes() == {}
