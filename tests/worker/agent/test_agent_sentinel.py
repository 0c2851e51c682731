"""Agents follow a master that sentinels replace: what runs goes on and is delivered, what waits runs afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rq.command import send_stop_job_command

import agent_tasks
from handoff import Cluster, FunctionFailed
from support import need_redis_server
from support.agent_processes import Agents
from support.events import await_event
from support.gate import Gate
from support.sentinels import Watched
from support.waiting import LIMIT_S, wait_until

COUNT = 3


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Watched]:
    """What the cluster and its agents are given in place of a server: the address of sentinels."""
    need_redis_server()
    with Watched(tmp_path / "watched", count=COUNT) as watched:
        yield watched


def listens(cluster: Cluster, watched: Watched, node: str) -> bool:
    """Whether the agent of a node listens for commands at the master."""
    channel = cluster.store.keys("rq_channel", cluster.store.keys.queue(node))
    ((_, count),) = watched.client(watched.master).pubsub_numsub(channel)
    return bool(count)


@pytest.mark.parametrize(
    "change",
    [pytest.param(Watched.kill_master, id="kill"), pytest.param(Watched.fail_over, id="failover")],
)
def test_what_runs_and_what_waits_outlasts_the_change_of_the_master(
    cluster: Cluster, agents: Agents, gate: Gate, redis_server: Watched, change: Callable[[Watched], object]
) -> None:
    agents.start("a", "--slots", "2")
    running = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, number) for number in range(2)]
    arrived = gate.arrivals(2)
    waiting = cluster.enqueue(agent_tasks.where)

    change(redis_server)
    wait_until(lambda: listens(cluster, redis_server, "a"), "the agent listens at the new master")
    gate.open("a", 2)

    assert [handle.result(LIMIT_S) for handle in running] == [0, 1]
    assert [handle.attempts for handle in running] == [1, 1]
    assert len({arrival.pid for arrival in arrived}) == 2
    assert waiting.result(LIMIT_S) == "a"
    assert cluster.enqueue(agent_tasks.echo, 7).result(LIMIT_S) == 7
    stopped = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    send_stop_job_command(cluster.connection, stopped.id)
    with pytest.raises(FunctionFailed, match="stop-job"):
        stopped.result(LIMIT_S)


@pytest.mark.slow
def test_a_master_that_comes_back_as_a_replica_does_no_harm(
    cluster: Cluster, agents: Agents, gate: Gate, redis_server: Watched
) -> None:
    agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 1)
    gate.arrival()
    old = redis_server.kill_master()

    redis_server.restart(old)
    redis_server.await_replication(old)
    gate.open("a")

    assert running.result(LIMIT_S) == 1
    assert redis_server.master != old
    # And once more, back to it.
    again = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 2)
    gate.arrival()
    redis_server.kill_master()
    assert redis_server.master == old
    gate.open("a")
    assert again.result(LIMIT_S) == 2
    assert (running.attempts, again.attempts) == (1, 1)


def test_an_agent_is_started_before_sentinels_know_a_master(
    cluster: Cluster, agents: Agents, redis_server: Watched
) -> None:
    for port in redis_server.sentinels:
        redis_server.kill(port)
    agent = agents.start("a", wait=False)
    wait_until(lambda: "waiting for it" in agent.wrote(), "the agent says that it waits")
    assert f"127.0.0.1:{redis_server.sentinels[0]} is away" in agent.wrote()
    assert redis_server.password not in agent.wrote()

    for port in redis_server.sentinels:
        redis_server.restart(port)

    await_event(cluster, event="node", change="registered", node="a")
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"


def test_what_runs_outlasts_sentinels_that_are_all_away(
    cluster: Cluster, agents: Agents, gate: Gate, redis_server: Watched
) -> None:
    agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 1)
    gate.arrival()

    for port in redis_server.sentinels:
        redis_server.kill(port)
    gate.open("a")

    assert running.result(LIMIT_S) == 1
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
    for port in redis_server.sentinels:
        redis_server.restart(port)


def test_what_a_function_does_with_its_job_follows_the_master(
    cluster: Cluster, agents: Agents, redis_server: Watched
) -> None:
    agents.start("a")
    assert cluster.enqueue(agent_tasks.pid).result(LIMIT_S)

    redis_server.kill_master()

    key = f"{cluster.namespace}:counted"
    assert cluster.enqueue(agent_tasks.count, key).result(LIMIT_S) == 1
    assert redis_server.client(redis_server.master).get(key) == b"1"


@pytest.mark.parametrize(
    ("service", "code", "said"),
    [("mian", 1, "its sentinels watch 'main' and not 'mian'")],
)
def test_a_service_that_sentinels_do_not_watch_ends_a_start(
    agents: Agents, redis_server: Watched, service: str, code: int, said: str
) -> None:
    agents.url = redis_server.url_of(redis_server.sentinels, service=service)
    agent = agents.start("a", wait=False)

    assert agent.wait() == code
    assert said in agent.wrote()
    assert len(agent.wrote().splitlines()) == 1
