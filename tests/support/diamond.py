"""A small graph, and an agent that plays what a test says comes of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from handoff import DAG, Function
from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent, failure, ok


def function(id: str, *args: str, **options: Any) -> Function:
    if options.get("type") != "inline":
        options.setdefault("max_retries", 0)
    return Function(id, "tasks:f", args=args, **options)


def dag(*functions: Function, id: str | None = None) -> DAG:
    graph = DAG(id)
    for each in functions:
        graph.add(each)
    return graph


def diamond(**options: Any) -> DAG:
    return dag(
        function("top", **options),
        function("half", "top", type="inline"),
        function("left", "half"),
        function("right", "half", "top"),
        function("end", "left", "right"),
    )


def play(agent: FakeAgent, outcomes: Mapping[str, Any]) -> None:
    """Run all that comes: what has no outcome returns its id, an exception is raised."""
    while started := agent.take(room=100):
        results = []
        for each in started:
            id = each.job["h_function"].decode()
            value = outcomes.get(id, id)
            results.append(failure(each.id, str(value)) if isinstance(value, Exception) else ok(each.id, value))
        agent.finish(*results)


def advance(cluster: Cluster, seconds: float) -> None:
    """Let the server's clock be later, and somebody look at it."""
    now_s, _ = cluster.store.read("TIME")
    cluster.store.now_ms = round(1000 * (int(now_s) + seconds))
    tick(cluster.store)


def stop_clock(*clusters: Cluster) -> None:
    """Let all that they do happen at one moment, however long it takes."""
    now_s, _ = clusters[0].store.read("TIME")
    for cluster in clusters:
        cluster.store.now_ms = 1000 * (int(now_s) + 1)


def attendants() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("handoff-attend-")]
