"""Runs of graphs go on when a node or Redis goes."""

from __future__ import annotations

import signal

import pytest
from rq.suspension import resume, suspend

import agent_tasks
import child_tasks
import graph_steps
from handoff import Cluster, Collocated, Function, NodeLost
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.deadlines import end_lease
from support.events import await_event, newest
from support.gate import Gate
from support.processes import await_end
from support.real_graphs import at_gate, graph
from support.waiting import LIMIT_S, wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def redis_server(own_server: RedisServer) -> RedisServer:
    return own_server


def test_a_run_goes_on_elsewhere_when_a_node_is_killed(cluster: Cluster, agents: Agents, gate: Gate) -> None:
    lost = agents.start("a")
    agents.start("b")
    run = cluster.submit_dag(
        graph(
            at_gate("left", gate, cost={"cpu": 2}),
            at_gate("right", gate, cost={"cpu": 2}),
            Function("last", child_tasks.call, args=("left", "right")),
        )
    )
    assert {arrival.node for arrival in gate.arrivals(2)} == {"a", "b"}
    family = lost.family()

    lost.signal(signal.SIGKILL)

    await_end(family)
    end_lease(cluster, "a")
    gate.open("b")
    assert gate.arrival().node == "b"
    gate.open("b")
    assert run.result(LIMIT_S).results["last"] == [[["b"], ["b"]], {}]
    assert sorted(run.handle(id).attempts for id in ("left", "right", "last")) == [1, 1, 2]


def test_collocated_functions_choose_again_when_their_node_is_killed(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    lost = agents.start("a")
    run = cluster.submit_dag(
        graph(
            at_gate("first", gate),
            at_gate("second", gate, "first", node=Collocated("first")),
            Function("third", graph_steps.where, args=("second",), node=Collocated("first")),
        )
    )
    gate.arrival()
    gate.open("a")
    assert gate.arrival().node == "a"
    agents.start("b")

    lost.signal(signal.SIGKILL)
    lost.wait()
    end_lease(cluster, "a")

    assert gate.arrival().node == "b"
    gate.open("b")
    assert run.result(LIMIT_S).results == {"first": ["a"], "second": [["a"], "b"], "third": "b"}


def test_collocated_functions_that_stand_before_a_node_that_is_killed_go_to_another_together(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    lost = agents.start("a")
    busy = cluster.enqueue(agent_tasks.pass_gate, gate.folder, cost={"cpu": 1})
    gate.arrival()
    after = newest(cluster)
    suspend(cluster.connection)
    try:
        run = cluster.submit_dag(
            graph(
                Function("queued", agent_tasks.where, cost={"cpu": 1}),
                Function("waiting", agent_tasks.where, cost={"cpu": 1}, node=Collocated("queued")),
            )
        )
        before = [(handle.status, handle.node) for handle in map(run.handle, ("queued", "waiting"))]
        agents.start("b")

        lost.signal(signal.SIGKILL)
        lost.wait()
        end_lease(cluster, "a")

        await_event(cluster, after, event="node", change="lost", node="a")
    finally:
        resume(cluster.connection)
    assert run.result(LIMIT_S).results == {"queued": "b", "waiting": "b"}
    assert before == [("queued", "a"), ("waiting", None)]
    with pytest.raises(NodeLost):
        busy.result(LIMIT_S)


def test_a_run_goes_on_when_redis_is_back(
    cluster: Cluster, agents: Agents, gate: Gate, redis_server: RedisServer
) -> None:
    agent = agents.start("a")
    agents.start("b")
    run = cluster.submit_dag(
        graph(
            at_gate("first", gate, node="a"),
            Function("inline", graph_steps.with_my_pid, args=("first",), type="inline"),
            at_gate("second", gate, "first", node="b"),
            Function("last", child_tasks.call, args=("second", "first")),
        )
    )
    gate.arrival()

    redis_server.kill()
    gate.open("a")
    wait_until(lambda: "trying again" in agent.wrote(), "the agent misses Redis")
    redis_server.restart()

    gate.open("b")
    assert run.result(LIMIT_S).results["last"] == [[[["a"], "b"], ["a"]], {}]
    assert [run.handle(id).attempts for id in ("first", "second", "last")] == [1, 1, 1]
