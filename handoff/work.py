"""What a client asks of functions: submit, look, wait, cancel. One script or one read each.

Stands between the public faces (`cluster`, `handles`) and the scripts; knows nothing of nodes' books.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from handoff.errors import (
    DuplicateFunction,
    FunctionCanceled,
    FunctionFailed,
    HandoffError,
    InvalidFunction,
    NodeLost,
    TooLarge,
    UnknownFunction,
)
from handoff.resources import Units, amount
from handoff.rqmodel import (
    LOST_TEXT,
    TERMINAL,
    JobFields,
    decode_traceback,
    decode_value,
    job_fields,
)
from handoff.serializer import PickleSerializer, Serializer, SerializerLike
from handoff.shape import parse_devices, shape_text
from handoff.store import Store, unlisted

LARGEST_ARGUMENTS = 8 * 2**20
"""Bytes of one serialized call; a 50 MB argument would hold the server for a quarter of a second."""

WAIT_SLICE_S = 1.0
"""Waiters look again this often: a result whose key was deleted never wakes anybody, and each look also ticks."""

State = Literal["placed", "waiting", "infeasible"]

_FIELDS = (
    "status", "h_state", "h_node", "h_devices", "h_attempts", "h_error", "h_message", "h_function", "h_serializer",
)  # fmt: skip


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
    cost: Units
    pin: str | None
    priority: int
    max_retries: int
    preferred: str
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
    entry: tuple[bytes, Mapping[bytes, bytes]] | None  #: newest entry of the result stream, and its id


def submit(store: Store, submission: Submission) -> Verdict:
    """Write the function and let the script place it. Raises `TooLarge`, `DuplicateFunction`."""
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
        shape=shape_text(submission.cost, submission.pin),
        priority=submission.priority,
        preferred=submission.preferred,
        lost_text=LOST_TEXT,
    )
    match reply:
        case ["placed", bytes(node), bytes(devices)]:
            held = parse_devices(devices.decode())
            return Verdict("placed", node.decode(), held, f"placed on {node.decode()}{_with_devices(held)}")
        case ["waiting", int(nodes)]:
            return Verdict("waiting", None, {}, _waits(submission, nodes))
        case ["infeasible", list(short)]:
            return Verdict("infeasible", None, {}, _fits_nowhere(submission, short))
        case ["duplicate"]:
            raise DuplicateFunction(submission.job_id)
        case _:
            raise unlisted("submit", reply)


def look(store: Store, job_id: str) -> Record:
    """Read what is known of a function. Raises `UnknownFunction`."""
    _, values, entries = store.run("look", *_FIELDS, job_id=job_id)
    fields = {name: value.decode() for name, value in zip(_FIELDS, values, strict=True) if value is not None}
    if "status" not in fields:
        raise UnknownFunction(job_id)
    status = _status(fields["status"], fields.get("h_state"))
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
        entry=_entry(*entries[0]) if entries else None,
    )


def _entry(id: bytes, flat: list[bytes]) -> tuple[bytes, dict[bytes, bytes]]:
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
    """The result of a function that has ended, or the error that it ended with."""
    entry = record.entry[1] if record.entry else {}
    if record.status == "canceled":
        raise FunctionCanceled(record.function_id)
    if record.status == "finished":
        return decode_value(entry, _serializer_of(record, serializer))
    if record.error == f"{NodeLost.__module__}.{NodeLost.__qualname__}":
        raise NodeLost(record.function_id, record.message, record.attempts)
    traceback = decode_traceback(entry)
    raise FunctionFailed(
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
        reply = store.run("tick", room=0, token=uuid.uuid4().hex, lost_text=LOST_TEXT)
        if reply[0] == "busy" or not reply[1]:
            return


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


def _status(rq_status: str, finer: str | None) -> str:
    """API's word for a state. rq's own words for what is not yet queued all mean that it waits."""
    if rq_status in ("queued", "started", *TERMINAL):
        return "failed" if rq_status == "stopped" else rq_status
    return finer or "waiting"


def _with_devices(devices: Mapping[str, list[int]]) -> str:
    listed = ", ".join(f"{name} {' '.join(map(str, indices))}" for name, indices in devices.items())
    return f" with {listed}" if listed else ""


def _wanted(cost: Units) -> str:
    return ", ".join(f"{name} {amount(units)}" for name, units in cost.items()) or "a slot"


def _waits(submission: Submission, nodes: int) -> str:
    if submission.pin:
        return f"waits until node {submission.pin} has room for {_wanted(submission.cost)}"
    could = "1 live node could hold it when idle" if nodes == 1 else f"{nodes} live nodes could hold it when idle"
    return f"waits until a node has room for {_wanted(submission.cost)}: {could}"


def _fits_nowhere(submission: Submission, short: list[bytes]) -> str:
    lacks = []
    for i in range(0, len(short), 3):
        name, wanted, most = short[i].decode(), amount(int(short[i + 1])), amount(int(short[i + 2]))
        lacks.append(f"{name} {wanted} wanted, {most} is the most")
    where = f"node {submission.pin}" if submission.pin else "a live node"
    if not lacks:
        return f"no live node has {_wanted(submission.cost)} at once, even when idle"
    if submission.pin and all(int(most) == 0 for most in short[2::3]):
        return f"{', '.join(lacks)} that {where} has: it is not live, or has nothing of it"
    return f"{', '.join(lacks)} that {where} has"


def pickled_or_plain(serializer: SerializerLike) -> SerializerLike:
    """Check that agents can read what `serializer` writes: only the two that they know."""
    if serializer not in (Serializer, PickleSerializer):
        raise InvalidFunction(
            "*", f"agents cannot read what {serializer!r} writes", 'use the default, or serializer="pickle"'
        )
    return serializer
