"""Local clusters for tests: no agent loses its node to its lease, however slow the machine is."""

from __future__ import annotations

from typing import Any

from handoff import LocalCluster
from support.deadlines import LEASE_S


def local_cluster(nodes: dict[str, dict[str, Any]] | None = None, **options: Any) -> LocalCluster:
    """Make a `LocalCluster` with a long lease."""
    return LocalCluster(nodes, lease=LEASE_S, **options)
