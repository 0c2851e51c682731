"""What a client asks of runs: look, list, wait, gather, cancel, attend. One script each, or reads in slices.

Knows runs by their instances, and functions by their numbers and the users' ids; nothing of DAGs or handles.
"""

from __future__ import annotations

import math
import time
import uuid
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn, TypeVar

from handoff.errors import FunctionFailed, HandoffError, RunCanceled, RunTimedOut, UnknownFunction, UnknownRun
from handoff.graph.plan import run_job_id
from handoff.ledger.functions import FIELDS, WAIT_SLICE_S, Record, error_of, look, outcome, record_of, status_of, tick
from handoff.ledger.rqmodel import LOST_TEXT
from handoff.ledger.store import Store, unlisted
from handoff.ledger.texts.options import ATTENDED_MS
from handoff.serializer import Serializer, SerializerLike
from handoff.why.sentences import asks_for, due_text, parked_for

T = TypeVar("T")

SLICE = 500
"""Functions that are read in one round trip."""

MOST_LISTED = 1_000
"""Runs of one list, which is one script: some 3 us of the server's time each."""


MOST_NAMED = 3
"""Functions that an error names."""

_ENDED = ("finished", "failed", "canceled")

STATES = ("deferred", "delayed", "waiting", "queued", "started", *_ENDED)
"""API's words for where a function stands, in the order in which one goes through them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, as of one moment."""

    id: str  #: of its DAG
    instance: str
    status: str  #: running, finished, failed, canceled
    total: int  #: functions, without inlines
    finished: int
    failed: int
    canceled: int
    created_ms: int
    ended_ms: int | None
    reason: str  #: '' | failed | canceled | timeout | detached: why it is being stopped, or was
    first_failed: int | None  #: number of the function
    max_concurrency: int | None
    timeout_s: float | None

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs, or will."""
        return self.status in _ENDED


@dataclass(frozen=True, slots=True)
class Member:
    """A function of a run, as the user wrote the graph."""

    id: str
    number: int  #: 0 = inline: it has no job
    args: tuple[int, ...]  #: of each function that it takes, the place among the members


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one function stands."""

    status: str  #: API's word; "gone" where rq deleted it
    node: str | None
    attempts: int = 0
    error: HandoffError | None = None  #: what it raises, if it failed or was canceled; without a traceback


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come. Not of one moment where more than a few thousand functions are ready at once."""

    id: str
    status: str
    total: int
    counts: dict[str, int]  #: API's states of functions, those that occur
    running: dict[str, str]  #: what has started -> its node
    waiting: dict[str, str]  #: what is ready and waits -> for what, or until when, in words
    infeasible: list[str] = field(default_factory=list)  #: of these, what no live node could hold even when idle

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self)


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


def look_run(store: Store, id: str, instance: str = "") -> Run:
    """Read one run, by default the newest of a DAG. Raises `UnknownRun`."""
    if not isinstance(id, str):
        raise UnknownRun(str(id))
    match store.run("look_run", dag=id, run=instance):
        case ["looked", found, flat]:
            run = _run(found, flat)
            if run is not None:
                return run
            raise UnknownRun(id)
        case ["unknown"]:
            raise UnknownRun(id)
        case reply:
            raise unlisted("look_run", reply)


def list_runs(store: Store, count: int) -> list[Run]:
    """Read the newest runs, the newest first."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_LISTED:
        raise ValueError(f"count is {count!r}: give an int from 1 to {MOST_LISTED:,}")
    runs = (_run(*each) for each in store.run("list_runs", count=count)[1])
    return [run for run in runs if run is not None]


def _run(instance: bytes | str, flat: Sequence[bytes]) -> Run | None:
    """None of one that was never loaded to its end."""
    fields = _texts(flat)
    if fields["state"] == "dropped":
        return None
    return Run(
        id=fields["dag"],
        instance=instance.decode() if isinstance(instance, bytes) else instance,
        status=fields["state"] if fields["state"] in _ENDED else "running",
        total=int(fields["total"]),
        finished=int(fields.get("n_finished", 0)),
        failed=int(fields.get("n_failed", 0)),
        canceled=int(fields.get("n_canceled", 0)),
        created_ms=int(fields["created_ms"]),
        ended_ms=int(fields.get("ended_ms") or 0) or None,
        reason=fields.get("reason", ""),
        first_failed=int(fields.get("failed") or 0) or None,
        max_concurrency=int(fields.get("limit") or 0) or None,
        timeout_s=int(fields.get("timeout_ms") or 0) / 1000 or None,
    )


def _texts(flat: Sequence[bytes]) -> dict[str, str]:
    return {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}


def read_members(store: Store, instance: str) -> list[Member] | None:
    """Read the graph of a run, in the order in which the functions were added; None where it has expired.

    Waits for what is still being loaded, which is dropped within a minute if nobody loads the rest.
    """
    while True:
        packed = store.read("GET", store.keys("run_graph", instance))
        if packed is None:
            return None
        unpacking = zlib.decompressobj()
        graph = unpacking.decompress(packed)
        if unpacking.eof:
            return [Member(id, number, tuple(args)) for id, number, args in Serializer.loads(graph)]
        _await_end(store, instance, WAIT_SLICE_S)


def dependencies_of(members: Sequence[Member], number: int) -> list[Member]:
    """The functions that have to end before this one, through inlines too, each once, in order of first use."""
    start = next((member for member in members if member.number == number), None)
    found: dict[int, Member] = {}
    seen: set[int] = set()
    left = list(reversed(start.args)) if start else []
    while left:
        index = left.pop()
        if index in seen:
            continue
        seen.add(index)
        if members[index].number:
            found[index] = members[index]
        else:
            left += reversed(members[index].args)
    return list(found.values())


def read_standings(store: Store, instance: str, members: Sequence[Member]) -> dict[int, Standing]:
    """Say of each of these functions where it stands, by number. Slices of it may be of different moments."""
    numbers = [member.number for member in members if member.number]
    found: dict[int, Standing] = {}
    for some in _slices(numbers):
        jobs = [store.keys("rq_job", run_job_id(instance, number)) for number in some]
        values = store.read_each([("HMGET", job, *FIELDS) for job in jobs])
        found |= {number: _standing(store.namespace, each) for number, each in zip(some, values, strict=True)}
    return found


def read_chooser(store: Store, instance: str, group: str) -> int | None:
    """The function that is to choose a node for its collocated ones, by number; None: nobody is just now."""
    number = store.read("HGET", store.keys("run_groups", instance), f"{group}|chooser")
    return None if number is None else int(number)


def _standing(namespace: str, values: Sequence[bytes | None]) -> Standing:
    try:
        record = record_of(namespace, "", values, None)
    except UnknownFunction:
        return Standing("gone", None)
    error = error_of(record) if record.status in ("failed", "canceled") else None
    return Standing(record.status, record.node, record.attempts, error)


def read_progress(store: Store, id: str, instance: str, names: Mapping[int, str]) -> Progress:
    """Read how far a run has come; `names` are the users' ids by number. Raises `UnknownRun`."""
    ready = _read_ready(store, id, instance)
    counts = Counter(ready.counts)
    running, waiting, infeasible = {}, {}, []
    for each in ready.functions:
        counts[each.status] += 1
    for each in ready.functions:
        if each.status == "started":
            running[names[each.number]] = each.node
        elif each.status in ("waiting", "delayed"):
            waiting[names[each.number]] = ready.lacks(each, placed=counts["queued"] + counts["started"], names=names)
            if ready.could_never_hold(each):
                infeasible.append(names[each.number])
    run = ready.run
    shown = {state: counts[state] for state in STATES if counts[state]}
    return Progress(run.id, run.status, run.total, shown, running, waiting, infeasible)


@dataclass(frozen=True, slots=True)
class _Active:
    """A function that is ready and has not ended, as the progress script tells of it."""

    number: int
    status: str  #: API's word
    finer: str
    node: str
    demand: str
    attempts: int
    about: str  #: of one that is delayed when that ends, ms; of one that is parked who chooses, by number, or ''


@dataclass(frozen=True, slots=True)
class _Ready:
    """What the progress script tells of a run, all pages of it."""

    run: Run
    counts: dict[str, int]  #: of what is not ready, or has ended
    functions: list[_Active]  #: by number
    able: dict[str, int]  #: demand -> how many live nodes could hold it, idle; of some that wait
    now_ms: int

    def could_never_hold(self, each: _Active) -> bool:
        """Whether it waits for what no live node has, even when idle."""
        return each.finer == "waiting" and self.able.get(each.demand) == 0

    def lacks(self, each: _Active, *, placed: int, names: Mapping[int, str]) -> str:
        """Say what one waits for, of a run that has so many functions placed."""
        if each.finer == "parked":
            return parked_for(names[int(each.about)] if each.about else None)
        if each.status == "delayed":
            return due_text(each.attempts, int(float(each.about or self.now_ms)), self.now_ms)
        if self.could_never_hold(each):
            return f"{asks_for(each.demand)}: no live node could hold it, even when idle"
        if self.run.max_concurrency is not None and placed >= self.run.max_concurrency:
            return f"{asks_for(each.demand)}, and a place within its run's max_concurrency"
        return asks_for(each.demand)


def _read_ready(store: Store, id: str, instance: str) -> _Ready:
    cursor = "0"
    functions: dict[int, _Active] = {}
    able: dict[str, int] = {}
    while True:
        match store.run("progress", run=instance, cursor=cursor):
            case ["unknown"]:
                raise UnknownRun(id)
            case ["progress", bytes(following), flat, listed, judged, int(now_ms)]:
                cursor = following.decode()
            case reply:
                raise unlisted("progress", reply)
        run = _run(instance, flat)
        if run is None:
            raise UnknownRun(id)
        # A walk by cursor may come by the same one twice.
        functions |= {int(listed[i]): _active(*listed[i : i + 7]) for i in range(0, len(listed), 7)}
        able |= {judged[i].decode(): judged[i + 1] for i in range(0, len(judged), 2)}
        if cursor == "0":
            deferred = int(_texts(flat)["n_deferred"])
            counts = {"deferred": deferred, "finished": run.finished, "failed": run.failed, "canceled": run.canceled}
            return _Ready(run, counts, [functions[number] for number in sorted(functions)], able, now_ms)


def _active(*values: bytes) -> _Active:
    number, rq_status, finer, node, demand, attempts, about = (value.decode() for value in values)
    status = status_of(rq_status, finer)
    return _Active(int(number), status, finer, node, demand, int(attempts or 0), about)


def wait(store: Store, id: str, instance: str, timeout: float | None) -> Run:
    """Wait on the server until the run has ended and all of it is given back, for at most `timeout` seconds.

    -> the run, which may not have ended. Raises `UnknownRun`.
    """
    deadline_s = math.inf if timeout is None else time.monotonic() + timeout
    while True:
        run = look_run(store, id, instance)
        left_s = deadline_s - time.monotonic()
        if run.ended or left_s <= 0:
            return run
        _await_end(store, instance, min(WAIT_SLICE_S, left_s))


def late(store: Store, run: Run, timeout: float | None) -> TimeoutError:
    """The error for who waited in vain: says what of the run can never start as things are. Raises `UnknownRun`."""
    ready = _read_ready(store, run.id, run.instance)
    stuck = [each for each in ready.functions if ready.could_never_hold(each)]
    ended = run.finished + run.failed + run.canceled
    text = f"run {run.id!r} is running after {timeout} s of waiting: {ended} of {run.total} functions have ended"
    if not stuck:
        return TimeoutError(text)
    jobs = [store.keys("rq_job", run_job_id(run.instance, each.number)) for each in stuck[:MOST_NAMED]]
    ids = store.read_each([("HGET", job, "h_function") for job in jobs])
    named = [repr(id.decode()) for id in ids if id]
    if further := len(stuck) - len(jobs):
        named.append(f"{further} more")
    return TimeoutError(f"{text}, and no live node could hold {', '.join(named)}, even when idle")


def _await_end(store: Store, instance: str, seconds: float) -> None:
    slice_ms = max(1, math.ceil(seconds * 1000))
    if not store.read("XREAD", "BLOCK", slice_ms, "STREAMS", store.keys("run_end", instance), "0-0"):
        tick(store)


def gather(
    store: Store, run: Run, members: Sequence[Member], serializer: SerializerLike, *, partial: bool
) -> RunResult:
    """Read what came of a run.

    If it did not finish, raises why: what the function that failed first raises, `RunCanceled` or `RunTimedOut`. With
    `partial` it returns what there is, and why the rest is not; of a run that has not ended, of what has. With it
    `UnknownFunction` stands for what rq deleted.
    """
    if not partial and run.status != "finished":
        _raise_why(store, run, serializer)
    found = RunResult(run.id, {}, {})
    for member, record in _each_record(store, run.instance, members):
        try:
            if isinstance(record, UnknownFunction):
                raise record
            if partial and record.status not in _ENDED:
                continue
            if record.node is not None:
                found.allocations[member.id] = record.node
            found.results[member.id] = outcome(record, serializer)
        except HandoffError as error:
            if not partial:
                raise
            found.errors[member.id] = error
    return found


def _raise_why(store: Store, run: Run, serializer: SerializerLike) -> NoReturn:
    if run.reason == "timeout" and run.timeout_s is not None:
        raise RunTimedOut(run.id, run.timeout_s)
    if run.reason in ("canceled", "detached") or run.first_failed is None:
        raise RunCanceled(run.id, run.reason)
    outcome(look(store, run_job_id(run.instance, run.first_failed)), serializer)
    # It failed, and was then requeued by rq, and finished.
    raise RunCanceled(run.id, run.reason)


def _each_record(
    store: Store, instance: str, members: Sequence[Member]
) -> Iterator[tuple[Member, Record | UnknownFunction]]:
    """A result may be gone alone: its error is for whoever reads it, and hides no other."""
    for some in _slices([member for member in members if member.number]):
        ids = [run_job_id(instance, member.number) for member in some]
        replies = store.read_each(
            [("HMGET", store.keys("rq_job", id), *FIELDS) for id in ids]
            + [("XREVRANGE", store.keys("rq_results", id), "+", "-", "COUNT", 1) for id in ids],
        )
        for member, id, values, entries in zip(some, ids, replies[: len(ids)], replies[len(ids) :], strict=True):
            try:
                yield member, record_of(store.namespace, id, values, entries[0] if entries else None)
            except UnknownFunction as error:
                yield member, error


def cancel_run(store: Store, id: str, instance: str) -> bool:
    """Cancel what has not ended of a run. True if this call decided. Raises `UnknownRun`."""
    reply = store.run("cancel_run", run=instance, token=uuid.uuid4().hex, lost_text=LOST_TEXT)
    if reply == ["unknown"]:
        raise UnknownRun(id)
    return bool(reply == ["canceled"])


def attend(store: Store, instance: str) -> bool:
    """Say, once, that the client of an attached run lives. False: it has ended. Raises `StoreUnavailable`."""
    return bool(store.attempt("attend", run=instance, ms=ATTENDED_MS) == ["attended"])


def _slices(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[i : i + SLICE] for i in range(0, len(items), SLICE))
