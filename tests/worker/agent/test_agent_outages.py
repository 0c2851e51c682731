"""An outage of Redis, however long, costs nothing that runs on healthy nodes."""

from __future__ import annotations

import signal

import pytest

import agent_tasks
from handoff import Cluster
from handoff.ledger import housekeeping
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.deadlines import LEASE_S, be_longer_ago
from support.gate import Gate
from support.waiting import LIMIT_S


@pytest.fixture
def redis_server(own_server: RedisServer) -> RedisServer:
    return own_server


@pytest.mark.slow
def test_what_runs_survives_an_outage_that_is_longer_than_its_lease(
    cluster: Cluster, agents: Agents, gate: Gate, redis_server: RedisServer
) -> None:
    nodes = [agents.start(name, "--slots", "2") for name in "ab"]
    handles = [cluster.enqueue(agent_tasks.pass_gate, gate.folder, number) for number in range(4)]
    arrived = gate.arrivals(4)

    for node in nodes:
        node.freeze()
    redis_server.kill()
    redis_server.restart()
    be_longer_ago(cluster, 2 * LEASE_S)
    # The first script is not that of an agent.
    housekeeping.tick(cluster.store)
    for node in nodes:
        node.signal(signal.SIGCONT)

    for name in "ab":
        gate.open(name, 2)
    assert [handle.result(LIMIT_S) for handle in handles] == list(range(4))
    assert [handle.attempts for handle in handles] == [1] * 4
    assert len({arrival.pid for arrival in arrived}) == 4
