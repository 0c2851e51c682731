"""What a list of runs says of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from handoff.ledger.runs import Run
from handoff.words.times import iso, utc


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run in a list; of its functions inlines are not counted."""

    id: str  #: of its DAG
    status: str  #: running, finished, failed, canceled
    total: int
    finished: int
    failed: int
    canceled: int  #: with those that were skipped
    created_at: datetime
    ended_at: datetime | None
    reason: str  #: why it was stopped: '', failed, canceled, timeout, detached

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON: moments as ISO texts, None where there is no reason."""
        moments = {"created_at": iso(self.created_at), "ended_at": self.ended_at and iso(self.ended_at)}
        return asdict(self) | moments | {"reason": self.reason or None}


def summary(run: Run) -> RunSummary:
    """Put what was read of a run into the words of the list."""
    return RunSummary(
        id=run.id,
        status=run.status,
        total=run.total,
        finished=run.finished,
        failed=run.failed,
        canceled=run.canceled,
        created_at=utc(run.created_ms),
        ended_at=None if run.ended_ms is None else utc(run.ended_ms),
        reason=run.reason,
    )
