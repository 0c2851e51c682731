"""How long any one script holds the server while a large graph is submitted, and while it runs.

By the server's own time for every single call (see `decision.meter`), which nobody else makes meanwhile: agents that
run nothing deliver what they took, a full batch a call, and a client ticks for what is left over. How long the whole
submission takes is measured beside it, without the meter.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import redis

from benchmarks.decision.meter import Meter, percentile
from benchmarks.figures import Figure
from benchmarks.graphs.dags import as_dag
from benchmarks.graphs.shapes import SHAPES, Graph, fan
from benchmarks.graphs.trouble import Failed
from handoff import Cluster, RunHandle
from handoff.ledger.housekeeping import tick
from handoff.ledger.store import Store
from handoff.local.server import RedisServer
from support.agent import FakeAgent, ok

PART = "slices"
MEASURED = ("fan", "grid")
LONGEST_US = 5_000
"""The bar: nobody else waits longer for the server."""

NODES = 2
SLOTS = 8
WARM_UP = 64
LEASE_MS = 24 * 3_600_000
"""Longer than any run: nobody sends a heartbeat."""


SCRIPTS = ("finish", "tick")
"""What a run consists of."""


class MeteredStore(Store):
    """A store that notes the server's time of every script, by name."""

    def __init__(self, client: redis.Redis, namespace: str, now_ms: int) -> None:
        super().__init__(client, namespace, now_ms=now_ms)
        self._meter = Meter(client)
        self.times: dict[str, list[int]] = defaultdict(list)

    def run_noting(self, script: str, *rest: Any, **arguments: Any) -> tuple[list[Any], bool]:
        answer, us = self._meter.time(lambda: super(MeteredStore, self).run_noting(script, *rest, **arguments))
        self.times[script].append(us)
        return answer


class MeteredCluster(Cluster):
    """A cluster with such a store. With a time of its own, ticks need not keep apart as those of several clients do."""

    def _open(self, client: redis.Redis, namespace: str, timeout_s: float) -> Store:
        self.metered = MeteredStore(client, namespace, int(time.time() * 1000))
        return self.metered


Calls = list[list[int]]
"""Microseconds of each call, in order, of each repeat: the same calls every time."""


@dataclass(slots=True)
class _Found:
    """What all repeats of one graph took."""

    submission: Calls = field(default_factory=list)
    run: dict[str, Calls] = field(default_factory=lambda: {script: [] for script in SCRIPTS})
    submitted_s: list[float] = field(default_factory=list)


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure a fan and a square grid of about `size` functions."""
    figures = []
    graphs = {shape: SHAPES[shape](size) for shape in MEASURED}
    found = {shape: _Found() for shape in graphs}
    for repeat in range(repeats):
        for shape, graph in graphs.items():
            found[shape].submitted_s.append(_time(graph))
            _meter(graph, found[shape])
            longest_us = max(found[shape].submission[-1])
            tell(f"{PART} {repeat + 1}/{repeats}: {shape}, submitted in slices of at most {longest_us:,.0f} us")
    for shape, graph in graphs.items():
        figures += _figures(shape, len(graph), found[shape])
    return figures


def _figures(shape: str, functions: int, found: _Found) -> list[Figure]:
    return [
        _longest(f"{shape}, longest slice submitted", functions, {"load": found.submission}),
        Figure(PART, f"{shape}, whole submission", [s * 1000 for s in found.submitted_s], "ms", functions),
        _longest(f"{shape}, longest script of the run", functions, found.run),
    ]


def _longest(what: str, functions: int, series: Mapping[str, Calls]) -> Figure:
    """Of all calls the longest, each taken by its median over the repeats.

    The server's time is by the clock on the wall: on a machine that does anything else, the longest of thousands of
    calls is one that was interrupted. In the other repeats the same call was not.
    """
    usual = {script: [median(call) for call in zip(*calls, strict=True)] for script, calls in series.items()}
    worst = max(usual, key=lambda script: max(usual[script]))
    lines = []
    for script, us in usual.items():
        p50, p99 = (percentile(us, share) for share in (0.50, 0.99))
        disturbed = ", ".join(f"{max(calls):,}" for calls in series[script])
        lines.append(
            f"{script}: {len(us):,} calls, p50 {p50:,.0f}, p99 {p99:,.0f}, longest {max(us):,.0f} ({disturbed})"
        )
    details = {script: {"calls_us": calls} for script, calls in series.items()}
    note = "\n".join(["by the median of each call (in brackets: of each repeat)", *lines])
    return Figure(PART, what, [max(usual[worst])], "us", functions, note, LONGEST_US, details=details)


def _time(graph: Graph) -> float:
    """Seconds of submitting it, with nobody looking."""
    with RedisServer() as server, Cluster(server.url) as cluster:
        _register(cluster)
        cluster.submit_dag(as_dag(fan(WARM_UP))).cancel()
        dag = as_dag(graph)
        began_s = time.perf_counter()
        cluster.submit_dag(dag)
        return time.perf_counter() - began_s


def _meter(graph: Graph, found: _Found) -> None:
    """Submit it and let it run, noting every script."""
    with RedisServer() as server, MeteredCluster(server.url) as cluster:
        store = cluster.metered
        # Brings the library: a call of what the server does not know is made twice. The limits are those by default.
        cluster.limit_overtaking()
        agents = _register(cluster)
        # The first call of a script loads it.
        _finish(cluster, cluster.submit_dag(as_dag(fan(WARM_UP))), agents)
        store.times.clear()
        run = cluster.submit_dag(as_dag(graph))
        found.submission.append(store.times.pop("load"))
        _finish(cluster, run, agents)
        for script, calls in found.run.items():
            calls.append(store.times[script])


def _register(cluster: Cluster) -> list[FakeAgent]:
    capabilities = {"cpu": SLOTS, "slots": SLOTS}
    return [
        FakeAgent(cluster.store, f"node{number}", capabilities, lease_ms=LEASE_MS).register() for number in range(NODES)
    ]


def _finish(cluster: Cluster, run: RunHandle, agents: list[FakeAgent]) -> None:
    """Let the agents deliver all they have and take what is there, until nothing is."""
    idle = 0
    # What the last agent ends may be followed by something on the first.
    while idle < 2:
        tick(cluster.store)
        for agent in agents:
            agent.finish(*map(ok, agent.runs), room=SLOTS)
        idle = 0 if any(agent.runs for agent in agents) else idle + 1
    if run.status != "finished":
        raise Failed(f"nothing runs, and the run is {run.status}: {run.progress().counts}")
