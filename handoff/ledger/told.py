"""What a function tells while it runs, as anybody may read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from handoff.ledger.records import Record, look
from handoff.ledger.store import Store


@dataclass(frozen=True, slots=True)
class FunctionProgress:
    """How far a function has said that it is."""

    fraction: float  #: from 0 to 1
    message: str | None
    attempt: int  #: which attempt has said so, from 1
    at: datetime  #: when, by the clock of Redis


def progress_of(store: Store, job_id: str) -> FunctionProgress | None:
    """What a function has said last of how far it is; None = nothing. Raises `UnknownFunction`."""
    return _progress(look(store, job_id))


def _progress(record: Record) -> FunctionProgress | None:
    told = record.job.progress
    if told is None:
        return None
    attempt, at_ms, fraction, message = told
    return FunctionProgress(fraction, message or None, attempt, datetime.fromtimestamp(at_ms / 1000, UTC))
