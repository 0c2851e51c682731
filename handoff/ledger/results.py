"""Gathering what came of a run: results, or the error that tells why there are none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from handoff.errors import FunctionFailed, HandoffError, RunCanceled, RunTimedOut, UnknownFunction
from handoff.ledger.asking import Ledger
from handoff.ledger.members import Member, in_slices
from handoff.ledger.records import RECORD_FIELDS, Record, known_id, look, outcome, record_of
from handoff.ledger.runs import Run
from handoff.ledger.states import ENDED
from handoff.ledger.store import Call
from handoff.ledger.texts.run_id import run_job_id
from handoff.serializer import SerializerLike


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came of a run, by the users' ids."""

    dag_id: str
    results: dict[str, Any]  #: of every function but inlines
    allocations: dict[str, str]  #: function -> the node on which it was last
    errors: dict[str, HandoffError] = field(default_factory=dict)  #: only if partial results were asked for

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, but for results that are none: an error as its `type` and `message`."""
        return {
            "dag_id": self.dag_id,
            "results": dict(self.results),
            "allocations": dict(self.allocations),
            "errors": {id: plain_error(error) for id, error in self.errors.items()},
        }


def plain_error(error: HandoffError) -> dict[str, str]:
    """The type and message of an error: if it is that a function raised one, of that."""
    if isinstance(error, FunctionFailed):
        return {"type": error.exception_type, "message": error.message}
    return {"type": type(error).__name__, "message": str(error)}


@Call
async def gather(
    ledger: Ledger, run: Run, members: Sequence[Member], serializer: SerializerLike, *, partial: bool
) -> RunResult:
    """Read what came of a run.

    If it did not finish, raises why: what the function that failed first raises, `RunCanceled` or `RunTimedOut`. With
    `partial` it returns what there is, and why the rest is not; of a run that has not ended, of what has. With it
    `UnknownFunction` stands for what rq deleted.
    """
    if not partial and run.status != "finished":
        await _raise_why(ledger, run, serializer)
    found = RunResult(run.id, {}, {})
    async for member, record in _each_record(ledger, run.instance, members):
        try:
            if isinstance(record, UnknownFunction):
                raise record
            if partial and record.status not in ENDED:
                continue
            if record.node is not None:
                found.allocations[member.id] = record.node
            found.results[member.id] = outcome(record, serializer)
        except HandoffError as error:
            if not partial:
                raise
            found.errors[member.id] = error
    return found


async def _raise_why(ledger: Ledger, run: Run, serializer: SerializerLike) -> NoReturn:
    if run.reason == "timeout" and run.timeout_s is not None:
        raise RunTimedOut(run.id, run.timeout_s)
    if run.reason in ("canceled", "detached") or run.first_failed is None:
        raise RunCanceled(run.id, run.reason)
    outcome(await look(ledger, run_job_id(run.instance, run.first_failed)), serializer)
    # It failed, and was then requeued by rq, and finished.
    raise RunCanceled(run.id, run.reason)


async def _each_record(
    ledger: Ledger, instance: str, members: Sequence[Member]
) -> AsyncIterator[tuple[Member, Record | UnknownFunction]]:
    """A result may be gone alone: its error is for whoever reads it, and hides no other."""
    numbered = [member for member in members if member.number]
    records = each_record(ledger, [run_job_id(instance, member.number) for member in numbered])
    for member in numbered:
        yield member, await anext(records)


@Call
async def read_function_ids(ledger: Ledger, job_ids: Sequence[str]) -> list[str]:
    """The users' ids of functions, in this order. Raises `UnknownFunction` of the first that is none."""
    names = []
    for ids in in_slices([known_id(id) for id in job_ids]):
        replies = await ledger.read_each([("HMGET", ledger.keys("rq_job", id), *RECORD_FIELDS) for id in ids])
        names += [
            record_of(ledger.namespace, id, values, None).function_id for id, values in zip(ids, replies, strict=True)
        ]
    return names


async def each_record(ledger: Ledger, job_ids: Sequence[str]) -> AsyncIterator[Record | UnknownFunction]:
    """Read what is known of functions, in this order, with their results; of one that is gone the error."""
    for ids in in_slices(job_ids):
        replies = await ledger.read_each(
            [("HMGET", ledger.keys("rq_job", id), *RECORD_FIELDS) for id in ids]
            + [("XREVRANGE", ledger.keys("rq_results", id), "+", "-", "COUNT", 1) for id in ids],
        )
        for id, values, entries in zip(ids, replies[: len(ids)], replies[len(ids) :], strict=True):
            try:
                yield record_of(ledger.namespace, id, values, entries[0] if entries else None)
            except UnknownFunction as error:
                yield error
