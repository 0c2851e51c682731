"""What an operator reads when a host is cut off: the same of lists, of numbers, of sentences and of Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

import agent_tasks
from handoff import Cluster, NodeLost
from handoff.view.failures import read_failures
from handoff.view.overview import read_overview
from support.agent_processes import Agents
from support.deadlines import end_lease
from support.events import await_event, newest
from support.gate import Gate
from support.hosts.network import Network
from support.hosts.nodes import start
from support.scraping import Scraper
from support.waiting import LIMIT_S

pytestmark = pytest.mark.slow


def test_what_a_host_took_along_and_what_waits_for_it_are_told_alike_wherever_one_looks(
    network: Network, cluster: Cluster, agents: Agents, gate: Gate, tmp_path: Path
) -> None:
    start(agents, network, tmp_path, "a", "b", "c")
    scraper = Scraper(cluster.store)
    assert scraper.scrape()['handoff_nodes{state="up"}'] == 3
    tried = cluster.enqueue(agent_tasks.pass_gate, gate.folder, "tried", cost={"gpu": 1}, max_retries=1)
    once = cluster.enqueue(agent_tasks.pass_gate, gate.folder, "once", cost={"gpu": 1}, where={"zone": "far"})
    gate.arrivals(2)
    waiting = cluster.enqueue(agent_tasks.where, cost={"gpu": 1})
    typo = cluster.enqueue(agent_tasks.where, cost={"gpus": 1})
    assert "b, the only live node that could hold it, is short of 1 gpu" in str(waiting.explain())
    cut = newest(cluster)

    network["b"].wire.is_cut = True
    end_lease(cluster, "b")
    with pytest.raises(NodeLost):
        once.result(LIMIT_S)
    await_event(cluster, cut, event="waiting", job=tried.id)

    [group] = read_failures(cluster.store).groups
    assert (group.error, group.ids) == ("handoff.errors.NodeLost", [once.id])
    overview, scraped = read_overview(cluster.store), scraper.scrape()
    assert (overview.nodes["up"], overview.nodes["lost"]) == (2, 1)
    assert (overview.waiting, overview.infeasible, overview.failed, overview.started) == (3, 3, 1, 0)
    for name, value in (
        ('nodes{state="up"}', 2),
        ('nodes{state="lost"}', 1),
        ('functions{state="waiting"}', 3),
        ('functions{state="failed"}', 1),
        ('waiting_functions{reason="infeasible"}', 3),
        ("lost_nodes_total", 1),
        ('attempts_total{outcome="lost"}', 2),
    ):
        assert (name, scraped[f"handoff_{name}"]) == (name, value)
    assert "b, lost " in str(waiting.explain())
    assert "gpus 1 wanted" in str(typo.explain())

    network["b"].wire.is_cut = False
    await_event(cluster, cut, event="node", change="registered", node="b")
    assert gate.arrival().node == "b"
    gate.open("b")
    assert (tried.result(LIMIT_S), tried.attempts, waiting.result(LIMIT_S) is not None) == ("tried", 2, True)
    assert "is no longer this agent's" in agents.started[1].wrote()
    typo.cancel()
