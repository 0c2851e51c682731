"""What time it is by the server's clock, by which all is written that is shown."""

from __future__ import annotations

from handoff.ledger.asking import Ledger
from handoff.ledger.store import Call


@Call
async def now_of(ledger: Ledger) -> int:
    """The time in ms, which tests set."""
    if ledger.now_ms:
        return ledger.now_ms
    seconds, microseconds = await ledger.read("TIME")
    return int(seconds) * 1000 + int(microseconds) // 1000
