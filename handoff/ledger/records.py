"""What is known of one function, as of one moment, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handoff.errors import (
    FunctionCanceled,
    FunctionFailed,
    HandoffError,
    Infeasible,
    NodeLost,
    UnknownFunction,
    WaitExpired,
    named,
)
from handoff.ledger.asking import Ledger
from handoff.ledger.exceeded import EXCEEDED, read_exceeded
from handoff.ledger.fields import names_of
from handoff.ledger.housekeeping import has_ticked
from handoff.ledger.keys import is_queue_of
from handoff.ledger.phrases import infeasible, loss_in_words
from handoff.ledger.result_entry import Entry, Fields, decode_traceback, decode_value, entry_of
from handoff.ledger.states import ENDED
from handoff.ledger.store import Call
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.loss import read_loss
from handoff.ledger.texts.usage import FunctionUsage
from handoff.serializer import PickleSerializer, Serializer, SerializerLike
from handoff.words.constraints import pinned_to
from handoff.words.values import is_unicode

_FIELDS = (
    "status", "state", "node", "devices", "attempts", "error", "message", "function", "serializer", "demand", "origin",
    "told", "progress", "usage",
)  # fmt: skip

_NOT_PLACED = ("waiting", "delayed", "deferred")

RECORD_FIELDS = names_of(_FIELDS)
"""What a `Record` is made from, as a job's hash has it, in the order in which `record_of` takes the values."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one function, as of one moment."""

    job_id: str
    function_id: str
    status: str  #: API's word
    node: str | None
    error: str
    message: str
    entry: Entry | None  #: the newest of its results
    job: StoredJob  #: what else was read of it; it may not be readable

    @property
    def devices(self) -> dict[str, list[int]]:
        """Which devices it has where it was placed; none before that."""
        return {} if self.status in _NOT_PLACED else self.job.devices

    @property
    def attempts(self) -> int:
        """How often it was started."""
        return self.job.attempts

    @property
    def size(self) -> int:
        """Bytes of what it has ended with."""
        return sum(map(len, self.entry[1].values())) if self.entry else 0


class PickledResult(HandoffError):
    """A pickled result, read by a cluster that was not asked to unpickle."""

    def __init__(self, function_id: str) -> None:
        super().__init__(function_id)
        self.function_id = function_id

    def __str__(self) -> str:
        return (
            f"the result of function {self.function_id!r} is pickled, and unpickling runs code: "
            'read it with Cluster(serializer="pickle") if you trust whoever can write to this Redis'
        )


def known_id(job_id: object) -> str:
    """Return `job_id` if a function may have such an id at all, else raise `UnknownFunction`."""
    if not isinstance(job_id, str) or not is_unicode(job_id):
        raise UnknownFunction(named(job_id))
    return job_id


@Call
async def look(ledger: Ledger, job_id: str) -> Record:
    """Read what is known of a function. Raises `UnknownFunction`, also for one of another namespace."""
    record = await _look_once(ledger, job_id)
    if record.status not in ENDED and await has_ticked(ledger):
        record = await _look_once(ledger, job_id)
    if record.status in ENDED:
        await give_back_if_unseen(ledger, job_id, record.entry)
    return record


@Call
async def usage_of(ledger: Ledger, job_id: str) -> FunctionUsage | None:
    """What a function has used; None where it has not ended, or nobody knows. Raises `UnknownFunction`."""
    return usage_in(await look(ledger, job_id))


def usage_in(record: Record) -> FunctionUsage | None:
    """What it has used, if it has ended."""
    return record.job.usage if record.status in ENDED else None


async def _look_once(ledger: Ledger, job_id: str) -> Record:
    _, values, entries = await ledger.run("look", *RECORD_FIELDS, job_id=known_id(job_id))
    return record_of(ledger.namespace, job_id, values, entry_of(*entries[0]) if entries else None)


async def give_back_if_unseen(ledger: Ledger, job_id: str, entry: Entry | None) -> None:
    """Give back what a function holds, where its end was written by a worker of RQ's own, who knows no reservations."""
    worker = entry[1].get(b"worker_name", b"").decode(errors="replace") if entry else ""
    if worker and not is_queue_of(ledger.namespace, worker):
        await ledger.aside(lambda: ledger.attempt("give_back", job_id=job_id))


def record_of(namespace: str, job_id: str, values: Sequence[bytes | None], entry: Entry | None) -> Record:
    """Put together what was read of a function: the values of `RECORD_FIELDS`. Raises `UnknownFunction` as `look`.

    `UnreadableField` is raised for what cannot be read when it is asked for: here for where it stands.
    """
    job = StoredJob.of(_FIELDS, values)
    if not job.text("status") or not job.is_of(namespace):
        raise UnknownFunction(job_id)
    status = job.state
    return Record(
        job_id=job_id,
        function_id=job.text("function") or job_id,
        status=status,
        node=None if status in _NOT_PLACED else job.text("node") or None,
        error=job.text("error"),
        message=job.text("message"),
        entry=entry,
        job=job,
    )


def outcome(record: Record, serializer: SerializerLike) -> Any:
    """The result of a function that has ended; raises the error that it ended with."""
    if record.status != "finished":
        raise error_of(record)
    return value_of(record, record.entry[1] if record.entry else {}, serializer)


def value_of(record: Record, entry: Fields, serializer: SerializerLike) -> Any:
    """What a function has returned, by the entry of its end."""
    return decode_value(entry, serializer_of(record, serializer))


def error_of(record: Record) -> HandoffError:
    """What a function raises that has ended without a result. Its traceback is empty where `record` has no entry."""
    if record.status == "canceled":
        # The message of an error is that of a failure before rq requeued it.
        return FunctionCanceled(record.function_id, "" if record.error else record.message)
    if record.error == name_of(NodeLost):
        loss = read_loss(record.message)
        return NodeLost(record.function_id, loss.node, record.attempts, loss_in_words(loss) if loss.cause else "")
    if record.error == name_of(WaitExpired):
        return WaitExpired(record.function_id, record.job.number("message") / 1000)
    if record.error == name_of(Infeasible):
        pin = pinned_to(record.job.demand.terms) if record.job.demand else None
        return infeasible(record.function_id, record.job.shortfall, pin)
    if record.error == EXCEEDED and (exceeded := read_exceeded(record.message, record.function_id)) is not None:
        return exceeded
    traceback = decode_traceback(record.entry[1] if record.entry else {})
    return FunctionFailed(
        record.function_id, record.node, record.attempts, record.error or "unknown", record.message, traceback
    )


def name_of(error: type[HandoffError]) -> str:
    """The name by which a job's hash has an error."""
    return f"{error.__module__}.{error.__qualname__}"


def serializer_of(record: Record, serializer: SerializerLike) -> SerializerLike:
    """What a result is read with by a cluster of that serializer. Raises `PickledResult`."""
    if not record.job.is_pickled:
        return Serializer
    if serializer is not PickleSerializer:
        raise PickledResult(record.function_id)
    return serializer
