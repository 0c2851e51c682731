"""What the fields of a job's hash are called in it."""

from __future__ import annotations

from handoff.ledger.fields import names_of

_FIELDS = (
    "demand", "depends", "group", "node", "options", "placement", "rank", "reserved", "run", "since", "state",
    "to_come", "unique",
)  # fmt: skip

DEMAND, DEPENDS, GROUP, NODE, OPTIONS, PLACEMENT, RANK, RESERVED, RUN, SINCE, STATE, TO_COME, UNIQUE = names_of(_FIELDS)
