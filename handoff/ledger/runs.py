"""What a client asks of runs: look, list, wait, cancel, attend. One script each. Knows runs by their instances."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from handoff.errors import UnknownRun, named, shown
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.housekeeping import await_entry, has_ticked
from handoff.ledger.replies import texts_of
from handoff.ledger.states import ENDED
from handoff.ledger.store import Call
from handoff.words.ids import new_id
from handoff.words.values import is_count, is_unicode, patience_s

MOST_LISTED = 1_000
"""Runs of one list, which is one script: some 3 us of the server's time each."""

ATTENDED_MS = 15_000
"""An attached run is canceled when nobody has attended it for so long; it begins with as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as of one moment."""

    id: str  #: of its DAG
    instance: str
    status: str  #: running, finished, failed, canceled
    total: int  #: functions, without inlines
    finished: int
    failed: int
    canceled: int
    created_ms: int
    ended_ms: int | None
    reason: str  #: '' | failed | canceled | timeout | detached: why it is being stopped, or was
    first_failed: int | None  #: number of the function
    max_concurrency: int | None
    timeout_s: float | None

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs, or will."""
        return self.status in ENDED


@Call
async def look_run(ledger: Ledger, id: str, instance: str = "") -> Run:
    """Read one run, by default the newest of a DAG. Raises `UnknownRun`."""
    if not isinstance(id, str) or not is_unicode(id):
        raise UnknownRun(named(id))
    run = await _look_once(ledger, id, instance)
    if not run.ended and await has_ticked(ledger):
        return await _look_once(ledger, id, instance)
    return run


async def _look_once(ledger: Ledger, id: str, instance: str) -> Run:
    match await ledger.run("look_run", dag=id, run=instance):
        case ["looked", found, flat]:
            run = run_of(found, flat)
            if run is not None:
                return run
            raise UnknownRun(id)
        case ["unknown"]:
            raise UnknownRun(id)
        case reply:
            raise unlisted("look_run", reply)


@Call
async def list_runs(ledger: Ledger, count: int) -> list[Run]:
    """Read the newest runs, the newest first."""
    if not is_count(count, 1, MOST_LISTED):
        raise ValueError(f"count is {shown(count)}: give an int from 1 to {MOST_LISTED:,}")
    runs = [run_of(*each) for each in (await ledger.run("list_runs", count=count))[1]]
    return [run for run in runs if run is not None]


def run_of(instance: bytes | str, flat: Sequence[bytes]) -> Run | None:
    """Read what a script replies of a run: name, value, ... of its hash. None of one never loaded to its end."""
    fields = texts_of(flat)
    if fields["state"] == "dropped":
        return None
    return Run(
        id=fields["dag"],
        instance=instance.decode() if isinstance(instance, bytes) else instance,
        status=fields["state"] if fields["state"] in ENDED else "running",
        total=int(fields["total"]),
        finished=int(fields.get("n_finished", 0)),
        failed=int(fields.get("n_failed", 0)),
        canceled=int(fields.get("n_canceled", 0)),
        created_ms=int(fields["created_ms"]),
        ended_ms=int(fields.get("ended_ms") or 0) or None,
        reason=fields.get("reason", ""),
        first_failed=int(fields.get("failed") or 0) or None,
        max_concurrency=int(fields.get("limit") or 0) or None,
        timeout_s=int(fields.get("timeout_ms") or 0) / 1000 or None,
    )


@Call
async def wait(ledger: Ledger, id: str, instance: str, timeout: float | None) -> Run:
    """Wait on the server until the run has ended and all of it is given back, for at most `timeout` seconds.

    An outage of Redis is waited out meanwhile. -> the run, which may not have ended. Raises `UnknownRun`.
    """
    deadline_s = time.monotonic() + patience_s(timeout)
    ledger = ledger.until(deadline_s)
    while True:
        run = await look_run(ledger, id, instance)
        left_s = deadline_s - time.monotonic()
        if run.ended or left_s <= 0:
            return run
        await await_entry(ledger, ledger.keys("run_end", instance), seconds=left_s)


@Call
async def cancel_run(ledger: Ledger, id: str, instance: str) -> bool:
    """Cancel what has not ended of a run. True if this call decided. Raises `UnknownRun`."""
    reply = await ledger.run("cancel_run", run=instance, token=new_id())
    if reply == ["unknown"]:
        raise UnknownRun(id)
    return bool(reply == ["canceled"])


@Call
async def attend(ledger: Ledger, instance: str) -> bool:
    """Say, once, that the client of an attached run lives. False: it has ended. Raises `StoreUnavailable`."""
    return bool(await ledger.attempt("attend", run=instance, ms=ATTENDED_MS) == ["attended"])
