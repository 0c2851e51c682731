"""Which of what waits could never be held: how many live nodes could hold it when idle."""

from __future__ import annotations

from collections.abc import Iterable

from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.store import Call

JUDGED_AT_ONCE = 64
"""Demands of one script: some 40 us each where nothing is known of them yet."""


@Call
async def count_able(ledger: Ledger, demands: Iterable[str]) -> dict[str, int]:
    """Of demands, as texts, how many live nodes could hold any of their costs. What is no demand is left out."""
    asked = [*dict.fromkeys(demands)]
    counts: dict[str, int] = {}
    for first in range(0, len(asked), JUDGED_AT_ONCE):
        some = asked[first : first + JUDGED_AT_ONCE]
        match await ledger.run("able", *some):
            case ["able", list(found)]:
                counts |= {demand: count for demand, count in zip(some, found, strict=True) if count >= 0}
            case reply:
                raise unlisted("able", reply)
    return counts
