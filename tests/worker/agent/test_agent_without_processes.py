"""A node that can start no processes ruins nothing: what stood there goes elsewhere, until it can again."""

from __future__ import annotations

from pathlib import Path

import agent_tasks
from handoff import Cluster
from handoff.ledger.nodes import read_nodes
from support.agent_processes import Agents
from support.events import await_event
from support.waiting import LIMIT_S


def test_a_node_without_processes_costs_no_attempt_and_serves_again(
    cluster: Cluster, agents: Agents, tmp_path: Path
) -> None:
    full = tmp_path / "full"
    full.touch()
    agents.start("a", cpu=8, full=full)

    handles = [cluster.enqueue(agent_tasks.echo, number) for number in range(20)]
    await_event(cluster, event="node", change="quiet", node="a")
    [seen] = read_nodes(cluster.store)
    assert seen.state == "quiet"
    assert "Resource temporarily unavailable" in seen.quiet_reason

    agents.start("b", cpu=1)
    assert [handle.result(LIMIT_S) for handle in handles] == list(range(20))
    assert {(handle.node, handle.attempts) for handle in handles} == {("b", 1)}

    full.unlink()
    await_event(cluster, event="node", change="serving", node="a")
    assert cluster.enqueue(agent_tasks.echo, 7, node="a").result(LIMIT_S) == 7
