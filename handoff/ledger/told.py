"""What a function tells while it runs, as anybody may read it: how far it is, and its streams as they grow."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from handoff.ledger.asking import Ledger
from handoff.ledger.housekeeping import await_any
from handoff.ledger.records import Record, look
from handoff.ledger.states import ENDED
from handoff.ledger.store import Call
from handoff.ledger.texts.told_id import read_told_id, told_id


@dataclass(frozen=True, slots=True)
class FunctionProgress:
    """How far a function has said that it is."""

    fraction: float  #: from 0 to 1
    message: str | None
    attempt: int  #: which attempt has said so, from 1
    at: datetime  #: when, by the clock of Redis


@Call
async def progress_of(ledger: Ledger, job_id: str) -> FunctionProgress | None:
    """What a function has said last of how far it is; None = nothing. Raises `UnknownFunction`."""
    return progress_in(await look(ledger, job_id))


def progress_in(record: Record) -> FunctionProgress | None:
    """What it has said last of how far it is."""
    told = record.job.progress
    if told is None:
        return None
    attempt, at_ms, fraction, message = told
    return FunctionProgress(fraction, message or None, attempt, datetime.fromtimestamp(at_ms / 1000, UTC))


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that was told."""

    placement: int  #: of the attempt
    number: int  #: in the attempt; it grows
    attempt: int  #: from 1
    data: bytes


async def told_of(ledger: Ledger, key: str, job_id: str) -> list[Thing]:
    """All that is kept of what a function has told. Raises `UnknownFunction`."""
    return await _read(ledger, key, await look(ledger, job_id), (0, 0))


async def follow(ledger: Ledger, key: str, job_id: str) -> AsyncIterator[Thing | Record]:
    """Give all that is kept of what a function has told, and what it tells meanwhile; at last what it has come to.

    Waits on the server, and waits outages of Redis out. Raises `UnknownFunction`.
    """
    ledger = ledger.until(math.inf)
    last, older = (0, 0), b"0-0"
    while True:
        record = await look(ledger, job_id)
        found = await _read(ledger, key, record, last)
        for thing in found:
            yield thing
            last = thing.placement, thing.number
        if not found and record.status in ENDED:
            # All was there before its end was.
            yield record
            return
        if not found and await _wait(ledger, key, record, last, older) and not record.job.told:
            # What is there may be of an earlier function of that id: read before the look that tells.
            older = await newest_in(ledger, ledger.keys(key, job_id))


async def _read(ledger: Ledger, key: str, record: Record, last: tuple[int, int]) -> list[Thing]:
    """What is told behind that, by the function as it is now: ids are used again."""
    if not record.job.told:
        return []
    entries = await ledger.read("XRANGE", ledger.keys(key, record.job_id), b"(" + _after(record, last), "+")
    return [Thing(*read_told_id(id), int(entry[b"attempt"]), entry[b"data"]) for id, entry in entries]


async def _wait(ledger: Ledger, key: str, record: Record, last: tuple[int, int], older: bytes) -> bool:
    """Wait until there may be more, or an end. -> whether something has come"""
    after = _after(record, last) if record.job.told else older
    ended = record.entry[0] if record.entry else b"0-0"
    return await await_any(
        ledger, {ledger.keys(key, record.job_id): after, ledger.keys("rq_results", record.job_id): ended}
    )


async def newest_in(ledger: Ledger, stream: str) -> bytes:
    """The id of the newest entry of a stream."""
    found = await ledger.read("XREVRANGE", stream, "+", "-", "COUNT", 1)
    newest: bytes = found[0][0] if found else b"0-0"
    return newest


def _after(record: Record, last: tuple[int, int]) -> bytes:
    return told_id(*max(last, (record.job.told[0], 0))).encode()
