"""An agent whose connections die silently, or lead to a server from which the address has moved on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from rq.command import send_stop_job_command

import agent_tasks
from handoff import Cluster, FunctionFailed
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.gate import Gate
from support.link import Link
from support.private_servers import fail_over, replicate
from support.waiting import LIMIT_S, wait_until


@pytest.fixture
def redis_server(own_server: RedisServer) -> RedisServer:
    return own_server


@pytest.fixture
def link(redis_server: RedisServer) -> Iterator[Link]:
    with Link(redis_server.port) as link:
        yield link


def subscribed(cluster: Cluster) -> list[int]:
    """The ports of the connections that listen on a channel."""
    client: Any = cluster.connection
    return [int(each["addr"].rpartition(":")[2]) for each in client.client_list() if int(each["sub"]) > 0]


def test_an_agent_whose_subscription_has_died_silently_hears_commands_again(
    cluster: Cluster, agents: Agents, link: Link, gate: Gate
) -> None:
    agents.url = link.url(agents.url)
    agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    (dead,) = subscribed(cluster)

    link.silence(dead)

    wait_until(lambda: bool({*subscribed(cluster)} - {dead}), "the agent listens on another connection")
    send_stop_job_command(cluster.connection, running.id)
    with pytest.raises(FunctionFailed, match="stop-job"):
        running.result(LIMIT_S)


def test_an_agent_whose_connections_have_all_died_silently_goes_on(
    cluster: Cluster, agents: Agents, link: Link, gate: Gate
) -> None:
    agents.url = link.url(agents.url)
    agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()

    link.silence()
    gate.open("a")

    assert running.result(LIMIT_S) == 7
    assert running.attempts == 1


def test_an_agent_follows_an_address_that_has_moved_on(
    cluster: Cluster, agents: Agents, link: Link, gate: Gate, redis_server: RedisServer
) -> None:
    agents.url = link.url(agents.url)
    agents.start("a")
    cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, job_id="running")
    gate.arrival()
    with RedisServer() as other:
        replicate(other, redis_server)
        fail_over(redis_server, other)
        link.lead_to(other.port)
        gate.open("a")

        url = re.sub(r":\d+/", f":{other.port}/", redis_server.url)
        with Cluster(url, namespace=cluster.namespace) as there:
            assert there.handle("running").result(LIMIT_S) == 7
            assert there.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
            stopped = there.enqueue(agent_tasks.pass_gate, gate.folder)
            gate.arrival()
            send_stop_job_command(there.connection, stopped.id)
            with pytest.raises(FunctionFailed, match="stop-job"):
                stopped.result(LIMIT_S)
            agents.stop()
            fail_over_back(other, redis_server, url)


def fail_over_back(master: RedisServer, replica: RedisServer, url: str) -> None:
    """Bring all back to where the fixtures look for it."""
    import redis

    old: Any = redis.Redis.from_url(replica.url)
    wait_until(lambda: old.info("replication")["master_link_status"] == "up", "the old server has what the new one has")
    new: Any = redis.Redis.from_url(url)
    new.set("done", "1")
    new.wait(1, 0)
    old.replicaof("NO", "ONE")
