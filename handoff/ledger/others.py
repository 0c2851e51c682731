"""What a function depends on outside of runs: which of these have not ended as it asks, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence

from handoff.ledger.asking import Ledger
from handoff.ledger.fields import names_of
from handoff.ledger.phrases import Other
from handoff.ledger.store import Call

_FIELDS = names_of(("function", "status", "state", "node"))


@Call
async def read_others(ledger: Ledger, job_id: str, ids: Sequence[str]) -> list[Other]:
    """Those of `ids` for which the function waits."""
    scores = await ledger.read_each([("ZSCORE", ledger.keys("dependents", id), job_id) for id in ids])
    waited_for = [id for id, score in zip(ids, scores, strict=True) if score is not None]
    values = await ledger.read_each([("HMGET", ledger.keys("rq_job", id), *_FIELDS) for id in waited_for])
    return [
        Other.read(id, *((value or b"").decode(errors="replace") for value in each))
        for id, each in zip(waited_for, values, strict=True)
    ]
