"""One function in full: how it is called, what came of it, what it tells, and why it stands where it does.

Nothing that is stored is believed or run: what is pickled is not read, and what is large is told by its size.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from handoff.errors import HandoffError
from handoff.ledger.asking import Ledger
from handoff.ledger.fields import FIELDS, names_of
from handoff.ledger.records import look, usage_in
from handoff.ledger.result_entry import unzip
from handoff.ledger.rqmodel import moment_of
from handoff.ledger.store import Call
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.cost import asked_for
from handoff.ledger.texts.list import read_list
from handoff.ledger.texts.number_list import read_numbers
from handoff.ledger.texts.run_id import run_job_id
from handoff.ledger.texts.usage import FunctionUsage
from handoff.ledger.told import FunctionProgress, progress_in
from handoff.serializer import Serializer
from handoff.why.explain import explain
from handoff.why.explanation import Explanation
from handoff.why.function_status import LARGEST_READ, PICKLED, failure_of, result_text, whole_repr
from handoff.words.resources import Amount, amounts
from handoff.words.times import utc

LONGEST_SHOWN = 4_000
"""Characters of one value, or of a message."""

MOST_ARGUMENTS = 100

MOST_AWAITED = 5

_FIELDS = (
    "code", "run", "serializer", "timeout", "retries", "since", "created_at", "enqueued_at", "started_at", "ended_at",
    "depends", "takes", "options", "description", "origin", "demand", "variant",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arguments:
    """With what a function is called, each value as its repr. What it takes of others is not among them."""

    args: Sequence[str]
    kwargs: Mapping[str, str]
    left_out: int  #: of both
    instead: str  #: why they are not shown; '' = they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One function. Moments are in UTC; None = not yet, or not known."""

    id: str
    function_id: str
    name: str  #: of what it calls
    description: str
    state: str  #: API's word, or `infeasible`
    node: str | None
    cost: Mapping[str, Amount]  #: what it was placed with last, else its first choice
    devices: Mapping[str, Sequence[int]]
    usage: FunctionUsage | None  #: of its last attempt; None until it has ended
    attempts: int
    retries: int
    timeout_s: int | None
    run: str | None  #: the id of the DAG whose run it belongs to
    why: Explanation
    arguments: Arguments
    result: str | None  #: its repr; None unless it finished
    error: str | None  #: the type of what it failed with
    message: str | None
    traceback: str | None
    progress: FunctionProgress | None
    awaits: Sequence[tuple[str, str]]  #: whose ends it has or had to wait for: the first of them, id and user's id
    awaits_more: int  #: beside these
    since: datetime | None  #: when it began to wait or to be delayed
    created_at: datetime | None
    enqueued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None


@Call
async def read_detail(ledger: Ledger, id: str) -> Detail:
    """Read all that is known of one function. Raises `UnknownFunction`, and `UnreadableField`."""
    record = await look(ledger, id)
    key = ledger.keys("rq_job", id)
    job = StoredJob.of(_FIELDS, await ledger.read("HMGET", key, *names_of(_FIELDS)))
    why = await explain(ledger, id)
    run = job.text("run")
    dag = await ledger.read("HGET", ledger.keys("run", run), "dag") if run else None
    failure = failure_of(record) if record.status == "failed" else None
    since_ms = job.number("since")
    timeout = job.text("timeout")
    awaits = _awaits(job)
    return Detail(
        id=id,
        function_id=record.function_id,
        name=job.text("code"),
        description=_bounded(job.text("description")),
        state="infeasible" if why.state == "infeasible" else record.status,
        node=record.node,
        cost=amounts(asked_for(job.cost)),
        devices=record.devices,
        usage=usage_in(record),
        attempts=record.attempts,
        retries=job.number("retries"),
        timeout_s=int(timeout) if timeout.isdecimal() else None,
        run=dag.decode(errors="replace") if dag else None,
        why=why,
        arguments=await _arguments(ledger, key, job),
        result=_bounded(result_text(record)) if record.status == "finished" else None,
        error=failure.type if failure else None,
        message=_bounded(failure.message) if failure else None,
        traceback=failure.traceback if failure else None,
        progress=progress_in(record),
        awaits=await _named(ledger, awaits[:MOST_AWAITED]),
        awaits_more=max(0, len(awaits) - MOST_AWAITED),
        since=utc(since_ms) if since_ms and record.status in ("waiting", "delayed", "deferred") else None,
        created_at=moment_of(job.text("created_at")),
        enqueued_at=moment_of(job.text("enqueued_at")),
        started_at=moment_of(job.text("started_at")),
        ended_at=moment_of(job.text("ended_at")),
    )


def _awaits(job: StoredJob) -> list[str]:
    """The ids of those on which it depends, or in a run of those whose results it takes, where it has them itself."""
    run = job.text("run")
    if not run:
        return read_list(job.text("depends"))
    try:
        return [run_job_id(run, number) for number in read_numbers(job.text("takes"))]
    except ValueError:
        # They are too many to be written there; or somebody has written something else.
        return []


async def _named(ledger: Ledger, ids: Sequence[str]) -> list[tuple[str, str]]:
    """With the user's id of each; of what is gone with its own."""
    found = await ledger.read_each([("HGET", ledger.keys("rq_job", id), FIELDS["function"].name) for id in ids])
    return [(id, name.decode(errors="replace") if name else id) for id, name in zip(ids, found, strict=True)]


async def _arguments(ledger: Ledger, key: str, job: StoredJob) -> Arguments:
    if job.text("serializer"):
        return Arguments((), {}, 0, PICKLED)
    field = FIELDS["data"].name
    size = int(await ledger.read("HSTRLEN", key, field))
    if size > LARGEST_READ:
        return Arguments((), {}, 0, f"({size:,} bytes, which is too much to be shown)")
    packed = await ledger.read("HGET", key, field)
    try:
        _, _, args, kwargs = Serializer.loads(_unzipped(packed or b""))
        every = [*map(_repr, args[:MOST_ARGUMENTS])]
        named = {_bounded(str(name)): _repr(value) for name, value in list(kwargs.items())[:MOST_ARGUMENTS]}
    # Whoever can write to Redis can write anything there.
    except (ValueError, TypeError, AttributeError, HandoffError):
        return Arguments((), {}, 0, "(they cannot be read: they are not what Handoff writes)")
    return Arguments(every, named, len(args) - len(every) + len(kwargs) - len(named), "")


def _unzipped(data: bytes) -> bytes:
    try:
        return unzip(data)
    except zlib.error:
        # What is short is not packed.
        return data


def _repr(value: object) -> str:
    return _bounded(whole_repr(value))


def _bounded(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}… ({len(text):,} characters)"
