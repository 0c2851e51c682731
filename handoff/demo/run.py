"""Drives the demo: three unlike nodes on this machine, the graph on them, a picture meanwhile.

Results come from the run, use and peaks from the ledger and its event stream; nothing is known from elsewhere.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from handoff.client.cluster import Cluster
from handoff.client.run_handle import RunHandle
from handoff.demo.graph import ANALYZE, COMPARE, SIGN, build_graph, step_of
from handoff.demo.peaks import peaks
from handoff.demo.picture import Picture
from handoff.demo.report import Ran, Report, summarize
from handoff.demo.screen import Screen
from handoff.demo.sources import Sources
from handoff.errors import HandoffError
from handoff.ledger.nodes import read_nodes
from handoff.ledger.results import RunResult
from handoff.local.cluster import LocalCluster
from handoff.view.overview import read_waiting
from handoff.why.use import use_of
from handoff.words.address import DEFAULT_NAMESPACE
from handoff.words.function import Function
from handoff.words.resources import Amount, amounts

NODES: dict[str, dict[str, Amount]] = {
    "small": {"cpu": 1, "memory": 1000},
    "big": {"cpu": 2, "memory": 4000},
    "gpus": {"cpu": 1, "memory": 2000, "gpu": 2},
}
"""Whatever this machine has: the gpus are pretended, and each function is still told which of them are its own."""

LEASE_S = 60.0
"""Its agents are looked at; no lease has to tell that one has gone, and none is lost where the machine is busy."""

LOOK_S = 0.25
"""How long a quiet event stream is waited on before the agents are looked at."""

ENDS = frozenset({"finished", "failed", "canceled"})
"""Changes of a run after which there are no others."""


class AgentEnded(HandoffError):
    """An agent of the demo has gone, and what only its node can run would wait for ever."""

    def __init__(self, node: str, status: int) -> None:
        super().__init__(node, status)
        self.node, self.status = node, status

    def __str__(self) -> str:
        return f"the agent of node {self.node!r} ended with status {self.status}: its output above says more"


def run(sources: Sources, progress: Console | None, *, namespace: str | None = None) -> Report:
    """Analyze the sources on a cluster of the demo's own; `progress` shows how it goes, if it is given.

    Raises what the first function that fails raises, `AgentEnded`, and what starting a cluster may raise.
    """
    local = LocalCluster(NODES, namespace=namespace or DEFAULT_NAMESPACE, lease=LEASE_S)
    with local as cluster, Screen(progress) as screen:
        dag = build_graph(sources)
        course = _Course(local, cluster, screen, cluster.submit_dag(dag, max_retries=0))
        result = course.follow()
        found: defaultdict[str, list[Any]] = defaultdict(list)
        for function in dag.functions:
            found[step_of(function)].append(result.results[function.id])
        return summarize(
            sources.root,
            found[ANALYZE.id],
            found[SIGN.id],
            [pair for comparison in found[COMPARE.id] for pair in comparison["pairs"]],
            ran=[_ran(function, result) for function in dag.functions],
            peaks=peaks(course.events, cluster.discover_nodes()),
            held={node.name: amounts(node.used) for node in read_nodes(cluster.store)},
            elapsed_s=course.elapsed_s,
        )


@dataclass(slots=True)
class _Course:
    """A run that is watched, and every event from the first on."""

    _local: LocalCluster
    _cluster: Cluster
    _screen: Screen
    _run: RunHandle
    events: list[dict[str, str]] = field(default_factory=list)
    _ended_s: list[float] = field(default_factory=list)
    _last: bytes = b"0-0"
    _started_s: float = field(default_factory=time.monotonic)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._started_s

    def follow(self) -> RunResult:
        """Show the run until it has ended. -> what came of it"""
        while not self._has_ended():
            self._screen.show(self._picture)
        self._screen.show(self._picture)
        return self._run.result()

    def _has_ended(self) -> bool:
        """Follow the events, of which the end of the run is the last."""
        found = self._cluster.events(self._last, block_s=LOOK_S)
        if not found:
            for node, agent in self._local.agents.items():
                if (status := agent.poll()) is not None:
                    raise AgentEnded(node, status)
            return False
        self._last = found[-1][0]
        self.events += (event for _, event in found)
        ended = sum(event.get("outcome") == "finished" for _, event in found)
        self._ended_s += [self.elapsed_s] * ended
        return any(event["event"] == "run" and event["change"] in ENDS for _, event in found)

    def _picture(self) -> Picture:
        store = self._cluster.store
        nodes = {
            node.name: {name: (use.used, use.capacity) for name, use in use_of(node).items()}
            for node in read_nodes(store)
        }
        waiting = [(str(shape), shape.count) for shape in read_waiting(store)]
        progress = self._run.progress()
        done, deferred = (progress.counts.get(state, 0) for state in ("finished", "deferred"))
        running: defaultdict[str, list[str]] = defaultdict(list)
        for function, node in progress.running.items():
            running[node].append(function)
        return Picture(
            nodes,
            waiting,
            done,
            progress.total,
            deferred=deferred,
            elapsed_s=self.elapsed_s,
            running=running,
            ended_s=self._ended_s,
        )


def _ran(function: Function, result: RunResult) -> Ran:
    where = result.results[function.id]["where"]
    return Ran(
        function=function.id,
        step=step_of(function),
        node=where["node"] or result.allocations[function.id],
        gpu=isinstance(function.cost, Mapping) and "gpu" in function.cost,
        cuda_visible_devices=where["cuda_visible_devices"],
        cpu_s=where["cpu_s"],
    )
