"""Functions that are submitted together, one behind the other.

Of each how many values follow, then the id of its job, demand, options, priority, preferred, refuse (0, 1), delay_ms,
due_ms, and its hash: name, value, ...
"""

from __future__ import annotations

from collections.abc import Sequence

from handoff.ledger.texts.entries import Value

_BEFORE_FIELDS = 8


def write_submission(
    job_id: str,
    demand: str,
    options: str,
    priority: int,
    preferred: str,
    refuse: bool,
    delay_ms: int,
    due_ms: int,
    fields: Sequence[Value],
) -> list[Value]:
    """Write one of them."""
    count = _BEFORE_FIELDS + len(fields)
    return [count, job_id, demand, options, priority, preferred, int(refuse), delay_ms, due_ms, *fields]
