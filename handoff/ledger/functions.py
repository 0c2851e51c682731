"""What a client asks of functions: submit, look, wait, cancel. One script or one read each.

Stands between the public faces (`cluster`, `handles`) and the scripts; knows nothing of nodes' books.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from handoff.errors import (
    DuplicateFunction,
    FunctionCanceled,
    FunctionFailed,
    HandoffError,
    Infeasible,
    InvalidFunction,
    NodeLost,
    TooLarge,
    UnknownFunction,
    WaitExpired,
)
from handoff.ledger.reason import in_words, nearest_text
from handoff.ledger.rqmodel import (
    ENDING_TEXTS,
    LOST_TEXT,
    TERMINAL,
    JobFields,
    decode_traceback,
    decode_value,
    job_fields,
)
from handoff.ledger.store import Store, unlisted
from handoff.ledger.texts.options import milliseconds, options_text
from handoff.ledger.texts.shape import demand_text, parse_devices
from handoff.serializer import PickleSerializer, Serializer, SerializerLike
from handoff.words.constraints import Term, parse_terms, pinned_to
from handoff.words.function import Strategy
from handoff.words.resources import amounts
from handoff.words.values import is_wait
from handoff.words.variants import Variant

LARGEST_ARGUMENTS = 8 * 2**20
"""Bytes of one serialized call; a 50 MB argument would hold the server for a quarter of a second."""

WAIT_SLICE_S = 0.5
"""Waiters look again this often: a result whose key was deleted never wakes anybody. Each look also ticks, so that what
becomes due while only clients are alive is noticed within a second."""

Entry = tuple[bytes, Mapping[bytes, bytes]]
"""The newest entry of a result stream: its id, and its fields."""

State = Literal["placed", "waiting", "infeasible"]

FIELDS = (
    "status", "h_state", "h_node", "h_devices", "h_attempts", "h_error", "h_message", "h_function", "h_serializer",
    "h_demand", "origin",
)  # fmt: skip
"""What a `Record` is made from, in the order in which `record_of` takes the values."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What submit decided, at that moment."""

    state: State
    node: str | None  #: where it was placed
    devices: dict[str, list[int]]  #: which devices it holds there
    reason: str  #: one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One function, checked and serialized: all that the submit script needs."""

    job_id: str
    function_id: str
    variants: Sequence[Variant]
    terms: Sequence[Term]
    priority: int
    max_retries: int
    preferred: str
    strategy: Strategy
    on_infeasible: Literal["wait", "raise"] | float
    delay_ms: int
    due_ms: int
    wait_ttl: float | None
    fields: JobFields
    serializer: SerializerLike


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one function, as of one moment."""

    job_id: str
    function_id: str
    status: str  #: API's word
    node: str | None
    devices: dict[str, list[int]]
    attempts: int
    error: str
    message: str
    pickled: bool
    demand: str  #: its shapes in order of preference
    entry: Entry | None


def submit(store: Store, submission: Submission) -> Verdict:
    """Write the function and let the script place it. Raises `TooLarge`, `DuplicateFunction`, `Infeasible`."""
    size = len(submission.fields.data)
    if size > LARGEST_ARGUMENTS:
        raise TooLarge(submission.function_id, size, LARGEST_ARGUMENTS)
    extra: list[str | bytes | int] = []
    if submission.function_id != submission.job_id:
        extra += ["h_function", submission.function_id]
    if submission.max_retries:
        extra += ["h_retries", submission.max_retries]
    if submission.serializer is PickleSerializer:
        extra += ["h_serializer", "pickle"]
    reply = store.run(
        "submit",
        *job_fields(submission.fields),
        *extra,
        job_id=submission.job_id,
        token=uuid.uuid4().hex,
        demand=demand_text(submission.variants, submission.terms),
        options=options_text(
            on_infeasible=submission.on_infeasible, wait_ttl=submission.wait_ttl, strategy=submission.strategy
        ),
        priority=submission.priority,
        preferred=submission.preferred,
        refuse=int(submission.on_infeasible == "raise"),
        delay_ms=submission.delay_ms,
        due_ms=submission.due_ms,
        lost_text=LOST_TEXT,
    )
    match reply:
        case ["placed", bytes(node), bytes(devices)]:
            held = parse_devices(devices.decode())
            return Verdict("placed", node.decode(), held, f"placed on {node.decode()}{_with_devices(held)}")
        case ["waiting", int(nodes)]:
            return Verdict("waiting", None, {}, _waits(submission, nodes))
        case ["infeasible", bytes(nearest)]:
            return Verdict("infeasible", None, {}, nearest_text(nearest.decode(), pinned_to(submission.terms)))
        case ["refused", bytes(nearest)]:
            raise Infeasible(submission.function_id, nearest_text(nearest.decode(), pinned_to(submission.terms)))
        case ["delayed", int(until_ms)]:
            until = datetime.fromtimestamp(until_ms / 1000, UTC).isoformat(timespec="milliseconds")
            return Verdict("waiting", None, {}, f"is delayed until {until}")
        case ["duplicate"]:
            raise DuplicateFunction(submission.job_id)
        case _:
            raise unlisted("submit", reply)


def look(store: Store, job_id: str) -> Record:
    """Read what is known of a function. Raises `UnknownFunction`, also for one of another namespace."""
    if not isinstance(job_id, str):
        raise UnknownFunction(str(job_id))
    _, values, entries = store.run("look", *FIELDS, job_id=job_id)
    return record_of(store.namespace, job_id, values, _entry(*entries[0]) if entries else None)


def record_of(namespace: str, job_id: str, values: Sequence[bytes | None], entry: Entry | None) -> Record:
    """Put together what was read of a function: the values of `FIELDS`. Raises `UnknownFunction` as `look` does."""
    fields = {name: value.decode() for name, value in zip(FIELDS, values, strict=True) if value is not None}
    if "status" not in fields or not is_of(namespace, fields.get("origin", namespace)):
        raise UnknownFunction(job_id)
    status = status_of(fields["status"], fields.get("h_state"))
    placed = status not in ("waiting", "delayed", "deferred")
    return Record(
        job_id=job_id,
        function_id=fields.get("h_function", job_id),
        status=status,
        node=fields.get("h_node") if placed else None,
        devices=parse_devices(fields.get("h_devices", "")) if placed else {},
        attempts=int(fields.get("h_attempts", 0)),
        error=fields.get("h_error", ""),
        message=fields.get("h_message", ""),
        pickled=fields.get("h_serializer") == "pickle",
        demand=fields.get("h_demand", ""),
        entry=entry,
    )


def is_of(namespace: str, queue: str) -> bool:
    """Whether RQ's queue is one of this namespace: its lobby, or a node's."""
    return queue == namespace or queue.startswith(f"{namespace}.")


def _entry(id: bytes, flat: list[bytes]) -> Entry:
    return id, dict(zip(flat[::2], flat[1::2], strict=True))


def wait(store: Store, job_id: str, serializer: SerializerLike, timeout: float | None) -> Any:
    """Return the function's result, waiting on the server for at most `timeout` seconds.

    Raises `FunctionFailed`, `FunctionCanceled`, `NodeLost`, `UnknownFunction`, and the builtin `TimeoutError`.
    """
    deadline_s = math.inf if timeout is None else time.monotonic() + timeout
    while True:
        record = look(store, job_id)
        if record.status in ("finished", "failed", "canceled"):
            return outcome(record, serializer)
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            where = f" on {record.node}" if record.node else ""
            raise TimeoutError(
                f"function {record.function_id!r} is {record.status}{where} after {timeout} s of waiting"
            )
        last = record.entry[0] if record.entry else b"0-0"
        slice_ms = max(1, math.ceil(min(WAIT_SLICE_S, left_s) * 1000))
        woken = store.read("XREAD", "BLOCK", slice_ms, "STREAMS", store.keys("rq_results", job_id), last)
        if not woken:
            tick(store)


def outcome(record: Record, serializer: SerializerLike) -> Any:
    """The result of a function that has ended; raises the error that it ended with."""
    if record.status != "finished":
        raise error_of(record)
    return decode_value(record.entry[1] if record.entry else {}, _serializer_of(record, serializer))


def error_of(record: Record) -> HandoffError:
    """What a function raises that has ended without a result. Its traceback is empty where `record` has no entry."""
    if record.status == "canceled":
        # The message of an error is that of a failure before rq requeued it.
        return FunctionCanceled(record.function_id, "" if record.error else record.message)
    if record.error == _name(NodeLost):
        return NodeLost(record.function_id, record.message, record.attempts)
    if record.error == _name(WaitExpired):
        return WaitExpired(record.function_id, int(record.message) / 1000)
    if record.error == _name(Infeasible):
        pin = pinned_to(parse_terms(record.demand.partition("@")[2].partition("&")[0]))
        return Infeasible(record.function_id, nearest_text(record.message, pin))
    traceback = decode_traceback(record.entry[1] if record.entry else {})
    return FunctionFailed(
        record.function_id, record.node, record.attempts, record.error or "unknown", record.message, traceback
    )


def cancel(store: Store, job_id: str) -> bool:
    """Cancel a function in whatever state it is. True if this call decided. Raises `UnknownFunction`."""
    reply = store.run("cancel", job_id=job_id, token=uuid.uuid4().hex, lost_text=LOST_TEXT)
    if reply == ["unknown"]:
        raise UnknownFunction(job_id)
    return bool(reply == ["canceled"])


def tick(store: Store) -> None:
    """Do one slice of housekeeping, and more while there is more: nothing depends on agents alone."""
    while True:
        reply = store.run("tick", room=0, token=uuid.uuid4().hex, **ENDING_TEXTS)
        if reply[0] == "busy" or not reply[1]:
            return


def limit_overtaking(store: Store, count: int | None, seconds: float | None) -> None:
    """Say after how many placements, and after how long, who is overtaken holds a node; None = never for that."""
    if count is not None and (isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 2**31):
        raise ValueError(f"count is {count!r}: give an int of at least 1, or None for no limit")
    if seconds is not None and not (is_wait(seconds)):
        raise ValueError(f"seconds is {seconds!r}: give seconds above 0, or None for no limit")
    store.run("limit", count=count or 0, ms=0 if seconds is None else milliseconds(seconds))


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


def _serializer_of(record: Record, serializer: SerializerLike) -> SerializerLike:
    if not record.pickled:
        return Serializer
    if serializer is not PickleSerializer:
        raise PickledResult(record.function_id)
    return serializer


_FINER = {"parked": "waiting", "reserved": "deferred"}
"""States that only the scripts tell apart: ready, while a collocated one chooses the node; deferred, with room held."""


def status_of(rq_status: str, finer: str | None) -> str:
    """API's word for a state. rq's own words for what is not yet queued all mean that it waits."""
    if rq_status in ("queued", "started", *TERMINAL):
        return "failed" if rq_status == "stopped" else rq_status
    return _FINER.get(finer or "", finer or "waiting")


def _with_devices(devices: Mapping[str, list[int]]) -> str:
    listed = ", ".join(f"{name} {' '.join(map(str, indices))}" for name, indices in devices.items())
    return f" with {listed}" if listed else ""


def _name(error: type[HandoffError]) -> str:
    return f"{error.__module__}.{error.__qualname__}"


def _wanted(variants: Sequence[Variant]) -> str:
    return " or ".join(
        in_words(amounts(variant.cost)) + (f" (after {variant.after_ms / 1000:g} s)" if variant.after_ms else "")
        for variant in variants
    )


def _waits(submission: Submission, nodes: int) -> str:
    wanted, pin = _wanted(submission.variants), pinned_to(submission.terms)
    if pin:
        return f"waits until node {pin} has room for {wanted}"
    could = "1 live node could hold it when idle" if nodes == 1 else f"{nodes} live nodes could hold it when idle"
    return f"waits until a node has room for {wanted}: {could}"


def pickled_or_plain(serializer: SerializerLike) -> SerializerLike:
    """Check that agents can read what `serializer` writes: only the two that they know."""
    if serializer not in (Serializer, PickleSerializer):
        raise InvalidFunction(
            "*", f"agents cannot read what {serializer!r} writes", 'use the default, or serializer="pickle"'
        )
    return serializer
