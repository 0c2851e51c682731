"""What the classes of the conformance suite ask trackers with."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.books.reservation import ResourceTracker
from handoff.errors import ResourcesUnavailable


def refused(tracker: ResourceTracker, node: str, cost: dict[str, Any]) -> dict[str, int | float]:
    """What a request that must not fit is said to be short of."""
    with pytest.raises(ResourcesUnavailable) as caught:
        tracker.request(node, cost)
    assert caught.value.node == node
    return caught.value.short


def labelled(tracker: ResourceTracker) -> None:
    """Three nodes of one cpu each: `a` and `c` in zone x, of which `a` is a spot instance, and `b` in zone y."""
    tracker.register_node("a", {"cpu": 1}, labels={"zone": "x", "tier": "spot"})
    tracker.register_node("b", {"cpu": 1}, {"zone": "y"})
    tracker.register_node("c", {"cpu": 1}, labels={"zone": "x", "gpu_model": "A100 (80GB)"})
