"""Which functions take longest: of those that run now, and of those that have ended lately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from handoff.ledger.asking import Ledger
from handoff.ledger.clock import now_of
from handoff.ledger.store import Call
from handoff.view import places
from handoff.view.history import Span
from handoff.view.row import FunctionRow, read_rows
from handoff.words.times import utc

MOST_LOOKED_AT = 1_000
"""Functions that are read for those that run longest: the first of each node, and of few nodes more of each."""


@Call
async def read_slowest(ledger: Ledger, nodes: Sequence[str], most: int) -> list[FunctionRow]:
    """Those that run longest on these nodes. The very longest is among them, for the first of each node is looked at.

    Where there are more nodes than functions may be read, nodes at the end of the list are left out.
    """
    ids = await places.longest_on(ledger, nodes, most, MOST_LOOKED_AT)
    rows = await read_rows(ledger, ids, utc(await now_of(ledger)))
    running = [row for row in rows if row.state == "started" and row.duration_s is not None]
    return sorted(running, key=lambda row: (-(row.duration_s or 0.0), row.id))[:most]


def slowest_of(spans: Iterable[Span], since_ms: int, most: int) -> list[Span]:
    """Of what has ended since then what took longest."""
    ended = [span for span in spans if span.end_ms is not None and span.end_ms >= since_ms]
    return sorted(ended, key=lambda span: (span.start_ms - (span.end_ms or 0), span.id))[:most]
