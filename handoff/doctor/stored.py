"""What the fields of a job's hash are called in it."""

from __future__ import annotations

from handoff.ledger.fields import names_of

DEMAND, GROUP, NODE, PLACEMENT, RANK, RESERVED, RUN, SINCE, STATE, UNIQUE = names_of(
    ("demand", "group", "node", "placement", "rank", "reserved", "run", "since", "state", "unique")
)
