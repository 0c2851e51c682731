"""What comes back from functions on real nodes."""

from __future__ import annotations

import time
from typing import Any

from handoff import Cluster, Handle
from support.waiting import LIMIT_S


def results(handles: list[Handle]) -> list[Any]:
    return [handle.result(LIMIT_S) for handle in handles]


def told(cluster: Cluster, handle: Handle) -> str:
    """Wait for what a callback of the function has told."""
    client: Any = cluster.connection
    limit_s = time.monotonic() + LIMIT_S
    while (entry := client.blpop([f"told:{handle.id}"], timeout=1)) is None:
        assert time.monotonic() < limit_s, f"nothing was told within {LIMIT_S:g} s"
    return str(entry[1].decode())
