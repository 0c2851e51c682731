"""One function as a line of a list: what is read of it, without its arguments and its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from handoff.errors import UnreadableField
from handoff.ledger.asking import Ledger
from handoff.ledger.fields import names_of
from handoff.ledger.judging import count_able
from handoff.ledger.keys import is_queue_of
from handoff.ledger.phrases import WITHOUT_NODE
from handoff.ledger.records import RECORD_FIELDS, name_of, record_of
from handoff.ledger.rqmodel import moment_of
from handoff.ledger.states import ENDED, state_of
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.cost import asked_for
from handoff.ledger.texts.demand import first_shape
from handoff.why.function_status import failure_of
from handoff.words.resources import Amount, amounts
from handoff.words.times import iso, utc

PAGE = 250
"""Functions that one round trip reads: some 15 us of the server's time each."""

_FIELDS = (
    "status", "state", "origin", "node", "function", "run", "code", "description", "demand", "variant", "placement",
    "attempts", "error", "since", "created_at", "enqueued_at", "started_at", "ended_at",
)  # fmt: skip

_MOMENTS = {"queued": "enqueued_at", "started": "started_at"}
"""What says since when it stands there; `since` of what waits or is delayed, `ended_at` of what has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRow:
    """One function in a list. Moments are in UTC; None = not yet, or not known."""

    id: str  #: the RQ job id
    function_id: str  #: the user's id
    run: str | None  #: the id of the DAG whose run it belongs to
    name: str  #: of what it calls
    description: str  #: the call, for people
    state: str  #: API's word
    infeasible: bool  #: it waits, and no live node could hold it even when idle
    node: str | None  #: where it is placed, runs or ran
    cost: Mapping[str, Amount]  #: what it was placed with last, else its first choice
    shape: str | None  #: of one that waits, the first of its shapes: `list_functions` takes it
    attempts: int
    at: datetime | None  #: since when it stands where it stands
    created_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    duration_s: float | None  #: of its last attempt; of one that runs until now
    error: str | None  #: the type of what it has failed with
    message: str | None  #: what that says

    @property
    def standing(self) -> str:
        """Its state, or `infeasible`."""
        return "infeasible" if self.infeasible else self.state

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON: moments as ISO texts."""
        moments = {
            name: found and iso(found)
            for name in ("at", "created_at", "started_at", "ended_at")
            for found in (getattr(self, name),)
        }
        return asdict(self) | moments


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of one function."""

    id: str
    job: StoredJob
    found: Sequence[bytes | None]  #: what a `Record` is made from

    def word(self, field: str) -> str:
        """A field as text, whatever it is."""
        return self.job.bytes(field).decode(errors="replace")


async def read_rows(ledger: Ledger, ids: Iterable[str], now: datetime) -> list[FunctionRow]:
    """Read these functions, in their order; what is gone, or is another namespace's, is left out."""
    asked = [*dict.fromkeys(ids)]
    names = (*names_of(_FIELDS), *RECORD_FIELDS)
    values = await ledger.read_each([("HMGET", ledger.keys("rq_job", id), *names) for id in asked])
    read = [
        _Read(id, StoredJob.of(_FIELDS, each[: len(_FIELDS)]), each[len(_FIELDS) :])
        for id, each in zip(asked, values, strict=True)
    ]
    read = [each for each in read if each.word("status") and _is_ours(ledger.namespace, each)]
    dags = await _dags(ledger, {run for each in read if (run := each.word("run"))})
    waiting = {each.word("demand") for each in read if each.word("state") == "waiting"}
    able = await count_able(ledger, waiting) if waiting else {}
    return [_row(ledger.namespace, each, dags, able, now) for each in read]


def _is_ours(namespace: str, read: _Read) -> bool:
    return is_queue_of(namespace, read.word("origin") or namespace)


async def _dags(ledger: Ledger, runs: set[str]) -> dict[str, str]:
    """The users' ids of runs."""
    asked = sorted(runs)
    found = await ledger.read_each([("HGET", ledger.keys("run", run), "dag") for run in asked]) if asked else []
    return {run: dag.decode() for run, dag in zip(asked, found, strict=True) if dag}


def _row(namespace: str, read: _Read, dags: Mapping[str, str], able: Mapping[str, int], now: datetime) -> FunctionRow:
    try:
        return _readable_row(namespace, read, dags, able, now)
    except UnreadableField as error:
        return _unreadable_row(read, dags, error)


def _readable_row(
    namespace: str, read: _Read, dags: Mapping[str, str], able: Mapping[str, int], now: datetime
) -> FunctionRow:
    job = read.job
    state, run = job.state, job.text("run")
    started_at, ended_at = (moment_of(job.text(name)) for name in ("started_at", "ended_at"))
    until = ended_at if state in ENDED else now if state == "started" else None
    failure = failure_of(record_of(namespace, read.id, read.found, None)) if state == "failed" else None
    return FunctionRow(
        id=read.id,
        function_id=job.text("function") or read.id,
        run=dags.get(run, run) or None,
        name=job.text("code") or job.text("description"),
        description=job.text("description"),
        state=state,
        infeasible=state == "waiting" and able.get(job.text("demand")) == 0,
        node=None if state in WITHOUT_NODE else job.text("node") or None,
        cost=amounts(asked_for(job.cost)),
        shape=first_shape(job.text("demand")) if state == "waiting" and job.demand else None,
        attempts=job.attempts,
        at=_since(job, state),
        created_at=moment_of(job.text("created_at")),
        started_at=started_at,
        ended_at=ended_at,
        duration_s=max(0.0, (until - started_at).total_seconds()) if until and started_at else None,
        error=failure.type if failure else None,
        message=failure.message if failure else None,
    )


def _unreadable_row(read: _Read, dags: Mapping[str, str], error: UnreadableField) -> FunctionRow:
    """Of one into whose hash somebody has written what nobody can read."""
    run = read.word("run")
    return FunctionRow(
        id=read.id,
        function_id=read.word("function") or read.id,
        run=dags.get(run, run) or None,
        name=read.word("code") or read.word("description"),
        description=read.word("description"),
        state=state_of(read.word("status"), ""),
        infeasible=False,
        node=read.word("node") or None,
        cost={},
        shape=None,
        attempts=0,
        at=None,
        created_at=None,
        started_at=None,
        ended_at=None,
        duration_s=None,
        error=name_of(UnreadableField),
        message=str(error),
    )


def _since(job: StoredJob, state: str) -> datetime | None:
    """Since when it stands where it stands; of what RQ's tools have brought there, since it was made."""
    if state in ("waiting", "delayed") and (since_ms := job.number("since")):
        return utc(since_ms)
    found = moment_of(job.text("ended_at" if state in ENDED else _MOMENTS.get(state, "created_at")))
    return found or moment_of(job.text("created_at"))
