"""Three unlike hosts and one with Redis, over wires that are late, lossy, slow and cut."""

from __future__ import annotations

from pathlib import Path

import pytest

import agent_tasks
import host_tasks
from handoff import Cluster, Function, NodeLost
from support.agent_processes import Agents
from support.deadlines import end_lease
from support.events import await_event, newest
from support.gate import Gate
from support.hosts.network import Network
from support.hosts.nodes import start
from support.hosts.servers import NAMESPACE
from support.waiting import LIMIT_S

pytestmark = pytest.mark.slow


def test_functions_run_where_they_fit_over_wires_that_are_late_lossy_and_slow(
    network: Network, cluster: Cluster, agents: Agents, url: str, tmp_path: Path
) -> None:
    network["b"].wire.late_s, network["b"].wire.lost = 0.03, 0.08
    network["c"].wire.bytes_per_s = 200_000
    start(agents, network, tmp_path, "a", "b", "c")
    asked = [({"cpu": 1}, {}), ({"gpu": 1}, {}), ({"licence": 1}, {}), ({"cpu": 1}, {"zone": "far"})]

    def submit() -> list[str]:
        functions = [
            Function(str(n), host_tasks.where, extra_args=(n,), cost=asked[n % 4][0], where=asked[n % 4][1])
            for n in range(40)
        ]
        with Cluster(url, namespace=NAMESPACE) as client:
            large = client.enqueue(agent_tasks.large, 300_000, cost={"licence": 1})
            found = client.gather(client.submit_many(functions), timeout=LIMIT_S)
            assert [value for _, _, value in found] == list(range(40))
            assert len(large.result(LIMIT_S)) == 300_000
        return [f"{node} {network_of}" for node, network_of, _ in found]

    places = network["client"].call(submit)

    assert {place.split()[0] for place in places[1::4]} == {"b"}
    assert {place.split()[0] for place in places[2::4]} == {"c"}
    assert {place.split()[0] for place in places[3::4]} == {"b"}
    assert len({place.split()[0] for place in places}) == len({*places}) == len({*(p.split()[1] for p in places)}) == 3
    assert network["b"].wire.dropped > 0
    assert [event["change"] for _, event in cluster.events() if event["event"] == "node"] == ["registered"] * 3


def test_a_host_that_is_cut_off_for_less_than_its_lease_loses_nothing(
    network: Network, cluster: Cluster, agents: Agents, gate: Gate, tmp_path: Path
) -> None:
    start(agents, network, tmp_path, "a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()

    network["a"].wire.is_cut = True
    gate.open("a")
    queued = cluster.enqueue(host_tasks.where)
    network["a"].wire.is_cut = False

    assert running.result(LIMIT_S) == 7
    assert queued.result(LIMIT_S)[0] == "a"
    assert (running.attempts, queued.attempts) == (1, 1)


def test_what_a_host_runs_that_is_cut_off_for_longer_ends_once_and_elsewhere(
    network: Network, cluster: Cluster, agents: Agents, gate: Gate, tmp_path: Path
) -> None:
    start(agents, network, tmp_path, "a", "b")
    tried = cluster.enqueue(agent_tasks.pass_gate, gate.folder, "tried", cost={"cpu": 1}, max_retries=1)
    once = cluster.enqueue(agent_tasks.pass_gate, gate.folder, "once", cost={"cpu": 1})
    assert {arrival.node for arrival in gate.arrivals(2)} == {"a"}
    cut = newest(cluster)

    network["a"].wire.is_cut = True
    end_lease(cluster, "a")
    with pytest.raises(NodeLost):
        once.result(LIMIT_S)
    assert gate.arrival().node == "b"

    # Behind the cut both end, and so does the second attempt at the same time.
    gate.open("a", 2)
    gate.open("b")
    assert (tried.result(LIMIT_S), tried.node, tried.attempts) == ("tried", "b", 2)
    network["a"].wire.is_cut = False
    await_event(cluster, cut, event="node", change="registered", node="a")

    assert cluster.enqueue(host_tasks.where, node="a").result(LIMIT_S)[0] == "a"
    assert (once.status, once.attempts, tried.status, tried.node) == ("failed", 1, "finished", "b")
    assert not gate.is_waited_at()
