"""What comes back from functions on real nodes."""

from __future__ import annotations

from typing import Any

from handoff import Cluster, Handle
from support.waiting import LIMIT_S


def results(handles: list[Handle]) -> list[Any]:
    return [handle.result(LIMIT_S) for handle in handles]


def told(cluster: Cluster, handle: Handle) -> str:
    """Wait for what a callback of the function has told."""
    entry: Any = cluster.connection.blpop([f"told:{handle.id}"], timeout=4)
    assert entry is not None
    return str(entry[1].decode())
