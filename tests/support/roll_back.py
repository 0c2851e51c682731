"""Redis as it was some time ago."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from handoff.client.cluster import Cluster


def snapshot(cluster: Cluster) -> Callable[[], None]:
    """Remember all that Redis holds; the result brings it back, as a replica does that was promoted too early."""
    client: Any = cluster.connection
    found = {key: (max(0, client.pttl(key)), client.dump(key)) for key in client.scan_iter()}
    # A short-lived key may have expired since it was listed.
    kept = {key: (ttl_ms, value) for key, (ttl_ms, value) in found.items() if value is not None}

    def bring_back() -> None:
        with client.pipeline() as pipeline:
            pipeline.flushall()
            for key, (ttl_ms, value) in kept.items():
                # What was about to expire may have done so while it was read.
                if value is not None:
                    pipeline.restore(key, ttl_ms, value)
            pipeline.execute()

    return bring_back
