"""Reservations: the id `<job>:<number of the placement>`, and the record of what is taken.

A record is `<epoch>|<since, ms>|<cost>|<devices>|<cost of what is shared>`. The id is also the name under which RQ
knows the execution. Claims have ids of another form, with a sign that no job id has.
"""

from __future__ import annotations

from dataclasses import dataclass

from handoff.ledger.texts.cost import read_cost
from handoff.words.resources import Units


@dataclass(frozen=True, slots=True)
class Reserved:
    """What a reservation has taken."""

    since_ms: int
    cost: Units  #: all of it, what is shared too


def read_record(text: str) -> Reserved:
    """Read a record."""
    _, since_ms, cost, _, shared_cost = text.split("|")
    return Reserved(int(since_ms), {**read_cost(cost), **read_cost(shared_cost)})


def claim_id(token: str) -> str:
    """The id of a claim."""
    return f"~{token}"


def callback_id(id: str) -> str:
    """What the on_failure of an attempt goes by, which has a child of its own and reserves nothing."""
    return f"{id}:on_failure"


def job_of(id: str) -> str:
    """The id of the job whose attempt, or whose on_failure, this is."""
    return id.partition(":")[0]
