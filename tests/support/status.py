"""The ledger's half of an agent that does nothing by itself."""

from __future__ import annotations

from handoff_worker.agent.ledger import NodeLedger

LEASE_MS = 3_600_000
"""Longer than any test, for it ends by the server's clock."""


def start(agent: NodeLedger) -> list[str]:
    """Take what stands on the queue; the reservations of what was started."""
    return [started.id for started in agent.exchange(1, 10, ()).started]
