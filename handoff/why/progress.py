"""How far a run has come, and what those of its functions wait for that are ready."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from handoff.errors import UnreadableField, shown
from handoff.ledger.asking import Ledger
from handoff.ledger.fields import FIELDS
from handoff.ledger.phrases import NEVER, place_in_words, variants_in_words
from handoff.ledger.progress import Active, Ready, read_ready
from handoff.ledger.runs import Run
from handoff.ledger.states import PARKED, STATES
from handoff.ledger.store import Call
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.demand import Demand
from handoff.ledger.texts.run_id import run_job_id
from handoff.why.standing import due_text, parked_for
from handoff.words.variants import NO_COST

MOST_NAMED = 3
"""Functions that an error names."""


@dataclass(frozen=True, slots=True, repr=False)
class Progress:
    """How far a run has come. Not of one moment where more than a few thousand functions are ready at once.

    Shown as its counts: `running` and `waiting` may have thousands of entries.
    """

    id: str
    status: str
    total: int
    counts: dict[str, int]  #: API's states of functions, those that occur
    running: dict[str, str]  #: what has started -> its node
    waiting: dict[str, str]  #: what is ready and waits -> for what, or until when, in words
    infeasible: list[str] = field(default_factory=list)  #: of these, what no live node could hold even when idle

    def __str__(self) -> str:
        counts = ", ".join(f"{count:,} {state}" for state, count in self.counts.items())
        hopeless = f"; {len(self.infeasible):,} that no live node could hold" if self.infeasible else ""
        return (
            f"run {shown(self.id)} is {self.status}: of {self.total:,} functions {counts or 'none is left'}{hopeless}"
        )

    def __repr__(self) -> str:
        return f"<Progress: {self}>"

    def to_dict(self, *, entries: bool = True) -> dict[str, Any]:
        """The same as plain data, for JSON; without `entries` the counts alone, however many run and wait."""
        told = asdict(self)
        return told if entries else {name: told[name] for name in ("id", "status", "total", "counts")}


@Call
async def read_progress(ledger: Ledger, id: str, instance: str, names: Mapping[int, str]) -> Progress:
    """Read how far a run has come; `names` are the users' ids by number. Raises `UnknownRun`."""
    ready = await read_ready(ledger, id, instance)
    counts = Counter(ready.counts)
    running, waiting, infeasible = {}, {}, []
    for each in ready.functions:
        counts[each.status] += 1
    for each in ready.functions:
        if each.status == "started":
            running[names[each.number]] = each.node
        elif each.status in ("waiting", "delayed"):
            placed = counts["queued"] + counts["started"]
            waiting[names[each.number]] = _waits_for(each, ready, placed=placed, names=names)
            if ready.could_never_hold(each):
                infeasible.append(names[each.number])
    run = ready.run
    shown = {state: counts[state] for state in STATES if counts[state]}
    return Progress(run.id, run.status, run.total, shown, running, waiting, infeasible)


def _waits_for(each: Active, ready: Ready, *, placed: int, names: Mapping[int, str]) -> str:
    """Say what one waits for, of a run that has so many functions placed."""
    if each.finer == PARKED:
        return parked_for(names[int(each.about)] if each.about else None)
    if each.status == "delayed":
        return due_text(each.job.attempts, int(float(each.about or ready.now_ms)), ready.now_ms)
    if ready.could_never_hold(each):
        return f"{_asks_for(each.job)}: {NEVER}"
    if ready.run.max_concurrency is not None and placed >= ready.run.max_concurrency:
        return f"{_asks_for(each.job)}, and a place within its run's max_concurrency"
    return _asks_for(each.job)


def _asks_for(job: StoredJob) -> str:
    """Say all that a function asks for: `cpu 2 or gpu 1 (after 30 s) on a where zone b`; or why that cannot be read."""
    try:
        demand = job.demand or Demand(NO_COST, ())
    except UnreadableField as error:
        return str(error)
    pin, others = place_in_words(demand.terms)
    return variants_in_words(demand.variants) + (f" on {pin}" if pin else "") + (f" where {others}" if others else "")


@Call
async def late(ledger: Ledger, run: Run, timeout: float | None) -> TimeoutError:
    """The error for who waited in vain: says what of the run can never start as things are. Raises `UnknownRun`."""
    ready = await read_ready(ledger, run.id, run.instance)
    stuck = [each for each in ready.functions if ready.could_never_hold(each)]
    ended = run.finished + run.failed + run.canceled
    text = f"run {shown(run.id)} is running after {timeout} s of waiting: {ended} of {run.total} functions have ended"
    if not stuck:
        return TimeoutError(text)
    jobs = [ledger.keys("rq_job", run_job_id(run.instance, each.number)) for each in stuck[:MOST_NAMED]]
    ids = await ledger.read_each([("HGET", job, FIELDS["function"].name) for job in jobs])
    named = [repr(id.decode()) for id in ids if id]
    if further := len(stuck) - len(jobs):
        named.append(f"{further} more")
    return TimeoutError(f"{text}, and no live node could hold {', '.join(named)}, even when idle")
