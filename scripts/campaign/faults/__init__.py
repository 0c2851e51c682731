"""Everything that may happen, by kind, one module per subject. `fault` says what a fault is."""

from __future__ import annotations

from campaign.faults import dying, going_back, links, nodes, outages, rq_tools
from campaign.faults.fault import Kind, Struck

__all__ = ["FORGETTING", "KINDS", "Kind", "Struck"]

KINDS: dict[str, Kind] = {
    kind.name: kind for module in (dying, links, nodes, outages, rq_tools) for kind in module.KINDS
}

FORGETTING: dict[str, Kind] = {kind.name: kind for kind in going_back.KINDS}
"""What the mode `empty` has besides."""
