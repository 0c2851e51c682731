"""Functions on their way from submit to their end, each brought to where a test wants it."""

from __future__ import annotations

from typing import Any

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.words.function import Function


def submit(cluster: Cluster, id: str, **fields: Any) -> Handle:
    return cluster.submit(Function(id, "tasks:work", **fields))
