"""What recurs, with what came of the last run of each."""

from __future__ import annotations

from dataclasses import dataclass

from handoff.ledger.asking import Ledger
from handoff.ledger.clock import now_of
from handoff.ledger.housekeeping import has_ticked
from handoff.ledger.recurring import Schedule
from handoff.ledger.schedules import MOST_LISTED, look_at_schedules
from handoff.ledger.store import Call
from handoff.view.row import FunctionRow, read_rows
from handoff.words.times import utc


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """Something that recurs."""

    name: str
    schedule: Schedule | None  #: None: somebody has written over it, and nobody can read it
    last: FunctionRow | None  #: its last run, as it stands; None before the first, or where nothing is kept of that


@dataclass(frozen=True, slots=True)
class Schedules:
    """Some of what recurs, what is due next first; what rests comes last."""

    rows: list[ScheduleRow]
    count: int  #: of all


@Call
async def read_schedules(ledger: Ledger, first: int = 0, most: int = MOST_LISTED) -> Schedules:
    """Look at what recurs, from a place on."""
    # By a tick what is due is submitted.
    await has_ticked(ledger)
    count = await ledger.read("ZCARD", ledger.keys("schedules"))
    found = await look_at_schedules(ledger, first, most)
    ids = [schedule.last_id for _, schedule in found if schedule is not None and schedule.last_id]
    runs = {row.id: row for row in await read_rows(ledger, ids, utc(await now_of(ledger)))} if ids else {}
    return Schedules(
        [
            ScheduleRow(name, schedule, runs.get(schedule.last_id or "") if schedule else None)
            for name, schedule in found
        ],
        count,
    )
