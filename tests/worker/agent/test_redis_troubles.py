"""What becomes of work, agents and clients when Redis restarts, is full, read-only, slow, or not what it was.

`workers/README.md` says it in a table; of a failover `test_agent_sentinel.py` shows it.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import agent_tasks
from child_tasks import alive
from handoff import DAG, Cluster, Function, FunctionFailed, StoreUnavailable, UnknownFunction, UnknownRun
from handoff.local.server import RedisServer
from support.agent_processes import Agent, Agents
from support.deadlines import LEASE_S, be_longer_ago
from support.events import await_event
from support.gate import Gate
from support.private_servers import client, folder_of
from support.waiting import LIMIT_S, wait_until

Trouble = Callable[[RedisServer], AbstractContextManager[None]]


@pytest.fixture
def redis_server(own_server: RedisServer) -> RedisServer:
    return own_server


@pytest.fixture
def waiters() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as waiters:
        yield waiters


@contextlib.contextmanager
def down(server: RedisServer) -> Iterator[None]:
    server.kill()
    yield
    server.restart()


@contextlib.contextmanager
def standing_still(server: RedisServer) -> Iterator[None]:
    """So slow that no answer comes before its caller gives it up."""
    server.pause()
    yield
    server.resume()


@contextlib.contextmanager
def full(server: RedisServer) -> Iterator[None]:
    client(server).config_set("maxmemory", 1)
    yield
    client(server).config_set("maxmemory", 0)


@contextlib.contextmanager
def read_only(server: RedisServer) -> Iterator[None]:
    """It became a replica, as one does that was failed over from, and its address leads nowhere else."""
    own: Any = client(server)
    own.replicaof("127.0.0.1", 1)
    yield
    own.replicaof("NO", "ONE")


def await_waiters(server: RedisServer, count: int) -> None:
    """Wait until so many wait on the server for a result."""
    own: Any = client(server)
    wait_until(lambda: own.info("clients")["blocked_clients"] == count, f"{count} wait on the server")


def is_missed(agent: Agent) -> bool:
    return "trying again" in agent.wrote()


def waits(future: Future[Any]) -> bool:
    return not future.done()


@pytest.mark.parametrize("trouble", [down, full, read_only, pytest.param(standing_still, marks=pytest.mark.slow)])
def test_what_runs_goes_on_and_is_delivered_and_clients_are_told_and_go_on_by_themselves(
    cluster: Cluster,
    agents: Agents,
    gate: Gate,
    redis_server: RedisServer,
    waiters: ThreadPoolExecutor,
    trouble: Trouble,
) -> None:
    agent = agents.start("a", "--slots", "3")
    before = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, number) for number in range(2)]
    pids = {arrival.pid for arrival in gate.arrivals(2)}
    results = [waiters.submit(handle.result, LIMIT_S) for handle in before]
    await_waiters(redis_server, 2)

    with trouble(redis_server):
        # One ends meanwhile; a full server takes its result, and refuses the next heartbeat.
        gate.open("a")
        with pytest.raises(StoreUnavailable):
            cluster.enqueue(agent_tasks.where)
        wait_until(lambda: is_missed(agent), "the agent misses Redis")
        assert any(map(waits, results))
    be_longer_ago(cluster, 2 * LEASE_S)

    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
    assert any(map(waits, results))
    gate.open("a")
    assert [result.result(LIMIT_S) for result in results] == [0, 1]
    assert [handle.attempts for handle in before] == [1, 1]
    assert all(map(alive, pids))
    assert agent.process.poll() is None
    assert "stopped here" not in agent.wrote()


@pytest.mark.slow
def test_what_a_function_asks_of_redis_itself_meanwhile_fails_in_it(
    cluster: Cluster, agents: Agents, gate: Gate, redis_server: RedisServer
) -> None:
    agents.start("a")
    handle = cluster.enqueue(agent_tasks.save_meta_between_gates, gate.folder)
    gate.arrival()

    with read_only(redis_server):
        gate.open("a")
        gate.arrival()
    gate.open("a")

    with pytest.raises(FunctionFailed, match="read only replica"):
        handle.result(LIMIT_S)


def test_of_a_redis_that_comes_back_empty_all_know_what_is_gone_and_begin_anew(
    agents: Agents, cluster: Cluster, gate: Gate, redis_server: RedisServer, waiters: ThreadPoolExecutor
) -> None:
    agent = agents.start("a", "--slots", "1", lease=15)
    cluster.register_node("static", {"gpu": 1})
    cluster.share({"license": 1})
    claim = cluster.tracker.request("static", {"gpu": 1})
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    pid = gate.arrival().pid
    queued = cluster.enqueue(agent_tasks.where, node="a")
    run = cluster.submit_dag(DAG("nightly").add(Function("f", agent_tasks.where)), attached=True)
    calls = (running.result, queued.result, run.result, run.wait)
    gone = [waiters.submit(call, LIMIT_S) for call in calls]
    await_waiters(redis_server, 4)

    redis_server.kill()
    wait_until(lambda: is_missed(agent), "the agent misses Redis")
    bring_back(redis_server, None)
    redis_server.restart()

    # Who waits is told, the agent is back by itself, and what it ran has ended.
    errors = [type(future.exception(LIMIT_S)) for future in gone]
    assert errors == [UnknownFunction, UnknownFunction, UnknownRun, UnknownRun]
    await_event(cluster, event="node", change="registered", node="a")
    wait_until(lambda: not alive(pid), "the end of the function that nobody knows any more")
    assert "or Redis emptied): 1 functions are stopped" in agent.wrote()
    wait_until(lambda: "handoff-attend" not in str(threading.enumerate()), "nobody attends a run that is gone")
    # What was given by hand is to be given again.
    assert list(cluster.discover_nodes()) == ["a"]
    assert not cluster.tracker.release(claim)
    cluster.register_node("static", {"gpu": 1})
    licensed = cluster.enqueue(agent_tasks.where, cost={"license": 1})
    assert licensed.status == "waiting"
    cluster.share({"license": 1})
    assert licensed.result(LIMIT_S) == "a"
    assert cluster.tracker.release(cluster.tracker.request("static", {"gpu": 1}))


@pytest.mark.slow
def test_of_a_redis_that_comes_back_as_it_was_before_agents_tell_what_has_ended_and_what_came_since_is_unknown(
    cluster: Cluster,
    agents: Agents,
    gate: Gate,
    redis_server: RedisServer,
    waiters: ThreadPoolExecutor,
    tmp_path: Path,
) -> None:
    agents.start("a", lease=30)
    before = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, number) for number in range(2)]
    gate.arrivals(2)
    results = [waiters.submit(handle.result, LIMIT_S) for handle in before]
    shutil.copytree(folder_of(redis_server), tmp_path / "kept")
    gate.open("a")
    wait(results, LIMIT_S, FIRST_COMPLETED)
    since = cluster.enqueue(agent_tasks.where)
    assert since.result(LIMIT_S) == "a"

    redis_server.kill()
    bring_back(redis_server, tmp_path / "kept")
    redis_server.restart()

    with pytest.raises(UnknownFunction):
        since.result(LIMIT_S)
    gate.open("a")
    assert [result.result(LIMIT_S) for result in results] == [0, 1]
    assert [handle.result(LIMIT_S) for handle in before] == [0, 1]
    assert [handle.attempts for handle in before] == [1, 1]
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
    assert not gate.is_waited_at()


def bring_back(server: RedisServer, kept: Path | None) -> None:
    """Let a server that is down have what it had, or nothing."""
    folder = Path(server._folder or "")
    for path in folder.glob("appendonly*"):
        # Before Redis 7 it is one file.
        remove = shutil.rmtree if path.is_dir() else Path.unlink
        remove(path)
    if kept:
        shutil.copytree(kept, folder, dirs_exist_ok=True)
