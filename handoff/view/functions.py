"""The functions of a namespace as a list: by state, node, name, run, time and shape, the newest first.

What is looked at is bounded, however many functions there are: the newest of each state. Not one moment: it is read by
the page, and what moves meanwhile may be missing, or stand where it stood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from handoff.errors import shown
from handoff.ledger.asking import Ledger
from handoff.ledger.clock import now_of
from handoff.ledger.counts import Counts, count_on
from handoff.ledger.housekeeping import has_ticked
from handoff.ledger.runs import look_run
from handoff.ledger.states import ENDED, STATES
from handoff.ledger.store import Call
from handoff.ledger.texts.run_id import run_job_id
from handoff.view import places
from handoff.view.overview import find_shapes, read_waiting
from handoff.view.places import Ids
from handoff.view.row import PAGE, FunctionRow, read_rows
from handoff.words.names import known_name
from handoff.words.times import utc
from handoff.words.values import is_count

INFEASIBLE = "infeasible"

LISTED = (*STATES, INFEASIBLE)
"""What may be asked for: where functions stand, and among those that wait what no live node could hold."""

MOST_LISTED = 10_000
"""Functions of one list."""

MOST_LOOKED_AT = 20_000
"""Functions of each state that are looked at for those that match: some 15 us of the server's time each."""

LEAST_LOOKED_AT, LOOKED_AT_FOR_EACH = 1_000, 10
"""Of each state, for a list of few: so many at least, and as many for each that is listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which functions are listed. All that is given has to be so; None = whatever it is."""

    states: Sequence[str] | None = None  #: API's words; "infeasible" of what waits and no live node could hold
    node: str | None = None  #: where it is placed, runs or ran; what waits is on none
    name: str | None = None  #: part of the name of what it calls: `models.train`, or `models:train`
    run: str | None = None  #: the id of a DAG: of its newest run
    since: datetime | None = None  #: it stands where it stands since then, or later
    shape: str | None = None  #: it waits for this: as a row has it, or a cost as `cpu=2,memory=500`, wherever

    def matches(self, row: FunctionRow, state: str | None) -> bool:
        """Whether it is one of these, and stands where it was found."""
        return (
            (state is None or row.state == state or (state == INFEASIBLE and row.infeasible))
            and (self.states is None or row.state in self.states or (row.infeasible and INFEASIBLE in self.states))
            and (self.node is None or row.node == self.node)
            and (self.name is None or self.name.replace(":", ".") in row.name)
            and (self.since is None or (row.at is not None and row.at >= self.since))
        )

    @property
    def looks_inside(self) -> bool:
        """Whether where it stands does not tell if it is one of these."""
        return self.name is not None or self.since is not None


@dataclass(frozen=True, slots=True)
class Listing:
    """Some functions, the newest first: those that have stood for the shortest time where they stand."""

    rows: list[FunctionRow]
    more: bool  #: whether there may be others: not all were looked at, or not all are listed
    looked_at: int  #: functions that were read


@Call
async def list_functions(ledger: Ledger, wanted: Wanted, limit: int) -> Listing:
    """List the newest of these functions, at most `limit`. Raises `UnknownRun`."""
    if not is_count(limit, 1, MOST_LISTED):
        raise ValueError(f"limit is {shown(limit)}: give an int from 1 to {MOST_LISTED:,}")
    if unknown := [state for state in wanted.states or () if state not in LISTED]:
        raise ValueError(f"{shown(unknown[0])} is no state: give one of {', '.join(LISTED)}")
    if wanted.node is not None:
        known_name(wanted.node)
    await has_ticked(ledger)
    found = _Found(ledger, wanted, limit, utc(await now_of(ledger)))
    if wanted.run is not None:
        run = await look_run(ledger, wanted.run)
        newest = range(run.total, max(0, run.total - MOST_LOOKED_AT), -1)
        ids = Ids([run_job_id(run.instance, number) for number in newest], run.total > MOST_LOOKED_AT)
        await found.look_at(ids, None)
    elif wanted.shape is not None:
        for shape in await find_shapes(ledger, wanted.shape):
            await found.look_at(await places.of_line(ledger, ledger.keys("shape", shape), found.most), "waiting")
    else:
        for state in wanted.states or STATES:
            await _look_for(found, state)
    return found.listing()


class _Found:
    """What was looked at, and those of it that are listed."""

    def __init__(self, ledger: Ledger, wanted: Wanted, limit: int, now: datetime) -> None:
        self.ledger = ledger
        self.wanted = wanted
        self._limit = limit
        self._now = now
        self._rows: dict[str, FunctionRow] = {}
        self._more = False
        self._looked_at = 0
        self._counts: dict[str, Counts] | None = None
        #: Functions that are looked at of a place where others stand too, or in no order.
        self.most_mixed = min(MOST_LOOKED_AT, max(LEAST_LOOKED_AT, LOOKED_AT_FOR_EACH * limit))
        #: The same of any other. What has moved, or is gone, is one of a page.
        self.most = self.most_mixed if wanted.looks_inside else limit + PAGE

    async def read_counts(self) -> dict[str, Counts]:
        """How many stand on each node that is asked for, the lobby and nodes that are gone among all."""
        if self._counts is None:
            node = self.wanted.node
            self._counts = await count_on(self.ledger, await places.read_names(self.ledger) if node is None else [node])
        return self._counts

    async def look_at(self, ids: Ids, state: str | None, *, in_order: bool = True) -> None:
        """Read these until as many match as are listed; all of them where they are in no order."""
        matching = 0
        for first in range(0, len(ids.ids), PAGE):
            if in_order and matching >= self._limit:
                self._more = True
                return
            some = ids.ids[first : first + PAGE]
            rows = [row for row in await read_rows(self.ledger, some, self._now) if self.wanted.matches(row, state)]
            self._rows |= {row.id: row for row in rows}
            self._looked_at += len(some)
            matching += len(rows)
        self._more = self._more or ids.more

    def listing(self) -> Listing:
        """The newest of all that match."""
        rows = sorted(self._rows.values(), key=_age)
        return Listing(rows[: self._limit], self._more or len(rows) > self._limit, self._looked_at)


def _age(row: FunctionRow) -> tuple[float, str]:
    """What is newest comes first; of one moment it is the same order each time."""
    return (-row.at.timestamp() if row.at else 0.0, row.id)


async def _look_for(found: _Found, state: str) -> None:
    ledger, node, most = found.ledger, found.wanted.node, found.most
    if state in (*ENDED, "queued", "started"):
        counts = await found.read_counts()
        if state in ENDED:
            await found.look_at(await places.in_registries(ledger, state, counts, most), state)
        else:
            read = places.on_queues if state == "queued" else places.running_on
            await found.look_at(await read(ledger, counts, found.most_mixed), state, in_order=False)
    elif node is None:
        for ids in await _not_placed(found, state):
            await found.look_at(ids, state)


async def _not_placed(found: _Found, state: str) -> list[Ids]:
    """Where what is not placed is looked for.

    Of what is deferred or parked nobody has a list: it is looked for among all that RQ knows as deferred.
    """
    ledger, most = found.ledger, found.most
    if state == INFEASIBLE:
        shapes = [waiting.shape for waiting in await read_waiting(ledger) if waiting.infeasible]
        return [await places.of_line(ledger, ledger.keys("shape", shape), most) for shape in shapes]
    lobby = ledger.keys("rq_deferred", ledger.keys.queue())
    if state == "delayed":
        return [await places.of_set(ledger, ledger.keys("delayed"), most)]
    listed = [await places.of_line(ledger, ledger.keys("waiting"), most)] if state == "waiting" else []
    counts = await ledger.read_each([("ZCARD", key) for key in (lobby, ledger.keys("waiting"), ledger.keys("delayed"))])
    if counts[0] > counts[1] + counts[2]:
        listed.append(await places.of_set(ledger, lobby, found.most_mixed))
    return listed
