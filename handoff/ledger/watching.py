"""Where a function stands and how far it is, as that changes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from handoff.errors import shown
from handoff.ledger.asking import Ledger
from handoff.ledger.housekeeping import WAIT_SLICE_S, await_any
from handoff.ledger.records import look
from handoff.ledger.states import ENDED
from handoff.ledger.store import Each
from handoff.ledger.told import FunctionProgress, newest_in, progress_in


@dataclass(frozen=True, slots=True)
class FunctionState:
    """Where a function stands at one moment, and how far it has said that it is."""

    status: str  #: as `Handle.status`
    node: str | None  #: where it is placed, runs or ran
    attempts: int  #: how often it was started
    progress: FunctionProgress | None  #: None where it has said nothing


@Each
async def watch(ledger: Ledger, job_id: str, patience_s: float) -> AsyncIterator[FunctionState]:
    """Give where a function stands, and again when that has changed, until it has ended, which comes last.

    Raises `UnknownFunction`, `StoreUnavailable`, and the builtin `TimeoutError` once `patience_s` have passed.
    """
    deadline_s = time.monotonic() + patience_s
    stream, results = ledger.keys("progress", job_id), ledger.keys("rq_results", job_id)
    given: FunctionState | None = None
    after = b"0-0"
    while True:
        record = await look(ledger, job_id)
        state = FunctionState(record.status, record.node, record.attempts, progress_in(record))
        if state != given:
            yield state
            given = state
        if record.status in ENDED:
            return
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError(f"function {shown(record.function_id)} is {record.status} after {patience_s:g} s")
        if progress := record.job.progress:
            after = b"%d-1" % progress[1]
        waited = {stream: after, results: record.entry[0] if record.entry else b"0-0"}
        if await _wait(ledger, waited, left_s) and not progress:
            # It may be of an earlier function of that id: read before the look that tells.
            after = await newest_in(ledger, stream)


async def _wait(ledger: Ledger, after: Mapping[str, bytes], seconds: float) -> bool:
    """Wait until it has said how far it is, or has ended; all else shows when it is looked again."""
    # In a loop all wait on one connection, where an outage ends no wait before its own deadline.
    final_s = time.monotonic() + min(seconds, ledger.spaced(WAIT_SLICE_S)) + ledger.timeout_s
    return await await_any(ledger.until(final_s), after, seconds)
