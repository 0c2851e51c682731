"""Agents keep what they run, and deliver it once, through whatever happens to Redis."""

from __future__ import annotations

import select
import signal
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from rq.suspension import resume, suspend

import agent_tasks
from child_tasks import alive
from handoff import Cluster, UnknownFunction
from handoff.local.server import RedisServer
from handoff_worker.agent.hints import Hints
from support.agent_processes import Agents
from support.books import assert_nothing_held, check_books
from support.events import await_event
from support.gate import Gate
from support.processes import await_end
from support.proxy import Command, FaultyProxy
from support.roll_back import snapshot
from support.waiting import LIMIT_S, wait_until


@pytest.fixture
def redis_server(own_server: RedisServer) -> RedisServer:
    return own_server


@pytest.mark.slow
def test_scripts_that_redis_forgets_are_brought_back(cluster: Cluster, agents: Agents, gate: Gate) -> None:
    agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()

    cluster.connection.script_flush()

    gate.open("a")
    assert running.result(LIMIT_S) == 7
    cluster.connection.script_flush()
    assert cluster.enqueue(agent_tasks.echo, 8).result(LIMIT_S) == 8


def test_what_ends_while_redis_is_down_is_delivered_when_it_is_back_and_nothing_is_lost(
    cluster: Cluster, agents: Agents, gate: Gate, redis_server: RedisServer
) -> None:
    agent = agents.start("a", "--slots", "3")
    handles = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, number) for number in range(6)]
    arrived = gate.arrivals(3)

    redis_server.kill()
    gate.open("a", 2)
    wait_until(lambda: "trying again" in agent.wrote(), "the agent misses Redis")
    redis_server.restart()

    gate.open("a", 4)
    assert [handle.result(LIMIT_S) for handle in handles] == list(range(6))
    assert [handle.attempts for handle in handles] == [1] * 6
    assert {arrival.pid for arrival in gate.arrivals(3)} <= {arrival.pid for arrival in arrived}
    assert agent.process.poll() is None


@pytest.mark.slow
def test_a_redis_that_stops_for_a_second_costs_nothing(
    cluster: Cluster, agents: Agents, gate: Gate, redis_server: RedisServer
) -> None:
    agent = agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()

    redis_server.pause()
    later = Timer(1.0, redis_server.resume)
    later.start()
    gate.open("a")

    assert running.result(LIMIT_S) == 7
    later.join()
    assert running.attempts == 1
    assert agent.wrote() == ""


@pytest.mark.slow
def test_an_agent_whose_redis_was_emptied_stops_what_it_runs_and_registers_again(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agents.start("a")
    forgotten = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    pid = gate.arrival().pid

    cluster.connection.flushall()

    wait_until(lambda: not alive(pid), "the end of the function that nobody knows any more")
    await_event(cluster, event="node", change="registered", node="a")
    with pytest.raises(UnknownFunction):
        forgotten.result(0)
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"


@pytest.mark.slow
def test_an_agent_that_ends_when_redis_was_emptied_does_not_wait_for_its_grace(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a", "--grace", "3600")
    cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    agent.signal(signal.SIGTERM)
    wait_until(lambda: not cluster.resources_available("a", None), "the node takes no more")

    cluster.connection.flushall()
    gate.open("a")

    assert agent.wait() == 0


@pytest.mark.slow
def test_a_job_that_is_submitted_again_after_redis_was_emptied_runs_anew(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    cluster.enqueue(agent_tasks.pass_gate, gate.folder, "old", job_id="nightly")
    old = gate.arrival()
    agent.freeze()

    # So that the agent finds itself unknown and the same reservation waiting in one round.
    cluster.connection.flushall()
    cluster.register_node("a", {"cpu": 2})
    again = cluster.enqueue(agent_tasks.pass_gate, gate.folder, "new", job_id="nightly")
    agent.signal(signal.SIGCONT)

    new = gate.arrival()
    gate.open("a")
    assert again.result(LIMIT_S) == "new"
    assert not alive(old.pid)
    assert new.pid != old.pid


@pytest.mark.slow
def test_a_start_that_redis_has_forgotten_is_not_repeated(cluster: Cluster, agents: Agents, gate: Gate) -> None:
    agents.start("a")
    suspend(cluster.connection)
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    bring_back = snapshot(cluster)
    resume(cluster.connection)
    pid = gate.arrival().pid

    bring_back()
    before = handle.status
    resume(cluster.connection)
    wait_until(lambda: handle.status == "started", "the agent takes it again")

    assert before == "queued"
    assert alive(pid)
    gate.open("a")
    assert handle.result(LIMIT_S) == 7
    assert handle.attempts == 1


@pytest.mark.slow
def test_what_redis_has_forgotten_altogether_is_stopped(cluster: Cluster, agents: Agents, gate: Gate) -> None:
    # What runs is compared with the books at every heartbeat, three times a lease.
    agents.start("a", lease=15)
    bring_back = snapshot(cluster)
    cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    pid = gate.arrival().pid

    bring_back()

    wait_until(lambda: not alive(pid), "the end of the function that nobody knows any more")
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"


@pytest.mark.slow
def test_an_agent_outlives_a_redis_that_refuses_to_write_for_a_while(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()
    client: Any = cluster.connection

    client.replicaof("127.0.0.1", 1)
    gate.open("a")
    wait_until(lambda: "trying again" in agent.wrote(), "the agent is refused")
    client.replicaof("NO", "ONE")

    assert running.result(LIMIT_S) == 7


@pytest.mark.slow
def test_an_agent_without_redis_ends_when_it_is_told_to(
    cluster: Cluster, agents: Agents, redis_server: RedisServer
) -> None:
    agent = agents.start("a")
    cluster.enqueue(agent_tasks.nothing).result(LIMIT_S)
    family = agent.family()
    redis_server.kill()
    wait_until(lambda: "trying again" in agent.wrote(), "the agent misses Redis")

    agent.signal(signal.SIGTERM)

    assert agent.wait() == 0
    await_end(family)
    assert "the lease of node a will run out by itself" in agent.wrote().splitlines()[-1]
    redis_server.restart()


def test_a_command_that_comes_right_behind_the_subscription_is_heard(cluster: Cluster) -> None:
    hints = Hints(cluster.store, "a")
    hints.connect()

    cluster.connection.publish(f"rq:pubsub:{cluster.namespace}.a", '{"command": "shutdown"}')

    select.select([hints], [], [], LIMIT_S)
    assert hints.read() == [{"command": "shutdown"}]
    hints.close()


def test_who_hears_itself_listens(cluster: Cluster) -> None:
    hints = Hints(cluster.store, "a")
    hints.connect()

    for _ in range(3):
        assert hints.listens()
        select.select([hints], [], [], LIMIT_S)
        assert hints.read() == []
    hints.close()


def test_who_has_not_heard_what_it_said_the_last_time_does_not_listen(cluster: Cluster) -> None:
    hints = Hints(cluster.store, "a")
    hints.connect()

    assert hints.listens()

    assert not hints.listens()
    hints.close()


def test_who_listens_to_another_server_than_it_talks_to_does_not_listen(
    cluster: Cluster, redis_server: RedisServer
) -> None:
    hints = Hints(cluster.store, "a")
    hints.connect()
    with RedisServer() as other, Cluster(other.url, namespace=cluster.namespace) as elsewhere:
        hints._store = elsewhere.store

        assert not hints.listens()
    hints.close()


@pytest.mark.parametrize("what", ["reply", pytest.param("command", marks=pytest.mark.slow)])
def test_every_function_runs_once_whichever_exchange_is_lost(
    cluster: Cluster, agents: Agents, redis_server: RedisServer, what: str
) -> None:
    with FaultyProxy("127.0.0.1", redis_server.port) as proxy:
        agents.url = proxy.url(redis_server.url)
        agents.start("a", "--slots", "2")
        lose = proxy.drop_reply if what == "reply" else proxy.refuse

        for number in range(4):
            lost = lose(1, _delivers)
            handles = [cluster.enqueue(agent_tasks.count, f"runs:{number}") for _ in range(4)]
            assert sorted(handle.result(LIMIT_S) for handle in handles) == [1, 2, 3, 4]
            assert lost.happened.is_set()
            assert [handle.attempts for handle in handles] == [1] * 4


def _delivers(command: Command) -> bool:
    return command.name == "FCALL" and b"finished" in command.args


@pytest.mark.slow
def test_agents_of_different_namespaces_do_not_see_each_others_work(
    cluster: Cluster, agents: Agents, redis_server: RedisServer, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    agents.start("a")
    with (
        Cluster(redis_server.url, namespace=f"{cluster.namespace}-2") as other,
        Agents(other, redis_server.url, tmp_path / "other") as others,
    ):
        others.start("a", cpu=8)
        others.start("c")

        pinned = cluster.enqueue(agent_tasks.where, node="c")
        large = cluster.enqueue(agent_tasks.where, cost={"cpu": 8})
        small = [cluster.enqueue(agent_tasks.parent), other.enqueue(agent_tasks.parent, node="a")]

        assert [pinned.status, large.status] == ["waiting", "waiting"]
        assert small[0].result(LIMIT_S) != small[1].result(LIMIT_S)
        assert list(cluster.discover_nodes()) == ["a"]
        assert list(other.discover_nodes()) == ["a", "c"]
        pinned.cancel()
        large.cancel()
        others.stop()
        check_books(other.store)
        assert_nothing_held(other.store)
