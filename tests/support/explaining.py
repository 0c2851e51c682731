"""Functions asked for, explained and left to wait while the clock moves."""

from __future__ import annotations

from typing import Any

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.why.explain import explain
from handoff.why.explanation import Explanation
from handoff.words.constraints import Not
from support.passing import pass_ms

T0 = 1_700_000_000_000


def why(cluster: Cluster, handle: Handle) -> Explanation:
    return explain(cluster.store, handle.id)


def pass_s(cluster: Cluster, seconds: float) -> None:
    pass_ms(cluster.store, round(1000 * seconds))


def one(entries: list[dict[str, Any]], **where: Any) -> dict[str, Any]:
    """The one entry with these values."""
    (found,) = [entry for entry in entries if all(entry[name] == value for name, value in where.items())]
    return found


def ask(cluster: Cluster, **options: Any) -> Handle:
    return cluster.enqueue("tasks:f", **options)


# What random tests draw from.

KINDS: list[tuple[dict[str, Any], dict[str, str], dict[str, Any]]] = [
    ({"cpu": 4, "memory": 8}, {}, {}),
    ({"cpu": 8, "gpu": 2}, {"zone": "x"}, {}),
    ({"cpu": 2, "gpu": 3}, {"zone": "y"}, {"gpu": [4, 8, 8]}),
    ({"cpu": 8, "memory": 4, "tpu": 1}, {"zone": "x", "tier": "spot"}, {}),
]

COSTS: list[dict[str, float]] = [
    {"cpu": 1}, {"cpu": 3}, {"cpu": 8}, {"memory": 3}, {"gpu": 1}, {"gpu": 0.5}, {"gpu": 2}, {"gpu": 3},
    {"gpu_memory": 4}, {"gpu_memory": 7}, {"tpu": 1}, {"cpu": 2, "gpu": 1}, {"cpu": 4, "memory": 4},
    {"cpu": 2, "tpu": 1},
    {"cpu": 8, "gpu": 2}, {"cpu": 2, "gpu_memory": 8},
]  # fmt: skip

WHERES: list[dict[str, Any] | None] = [None, None, None, {"zone": "x"}, {"zone": Not("x")}, {"tier": Not("spot")}]
