"""A run handle: one run of a DAG, as anybody with its id may follow it, wait for it or cancel it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from handoff.client.handle import Handle
from handoff.errors import FunctionCanceled, InvalidFunction, StoreUnavailable, UnknownFunction, UnknownRun
from handoff.graph.picture import INLINE, Vertex, mermaid
from handoff.ledger import runs
from handoff.ledger.members import Member, Standing, read_members, read_standings
from handoff.ledger.results import RunResult, gather, plain_error
from handoff.ledger.runs import Run
from handoff.ledger.store import Store
from handoff.ledger.texts.run_id import run_job_id
from handoff.serializer import SerializerLike
from handoff.why.progress import Progress, late, read_progress

ATTEND_EVERY_S = 5.0
"""A third of `runs.ATTENDED_MS`: two words may be lost on the way."""

TRY_AGAIN_S = 1.0
"""How soon a word that was lost is said again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run in a list; of its functions inlines are not counted."""

    id: str  #: of its DAG
    status: str  #: running, finished, failed, canceled
    total: int
    finished: int
    failed: int
    canceled: int  #: with those that were skipped
    created_at: datetime
    ended_at: datetime | None
    reason: str  #: why it was stopped: '', failed, canceled, timeout, detached

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON: moments as ISO texts, None where there is no reason."""
        moments = {"created_at": _moment(self.created_at), "ended_at": self.ended_at and _moment(self.ended_at)}
        return asdict(self) | moments | {"reason": self.reason or None}


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


class RunHandle:
    """One run of a DAG. What looks at it asks Redis each time.

    `UnknownRun` is raised by whatever looks after the run has expired; a new run of the same id is another one.
    """

    def __init__(
        self, store: Store, serializer: SerializerLike, id: str, instance: str, attendant: Attendant | None = None
    ) -> None:
        self._store = store
        self._serializer = serializer
        self._instance = instance
        self._attendant = attendant
        self.id = id  #: of the DAG

    def __repr__(self) -> str:
        return f"RunHandle({self.id!r})"

    @property
    def status(self) -> str:
        """Now: "running", "finished", "failed" or "canceled". One that is being stopped is running."""
        return self._look().status

    def result(self, timeout: float | None = None, partial: bool = False) -> RunResult:
        """Return all results, waiting for at most `timeout` seconds until all of it has ended and is given back.

        Waits on the server. Raises what the function that failed first raises by its own handle; `RunCanceled`,
        `RunTimedOut`, `UnknownRun`, and the builtin `TimeoutError`, which changes nothing. With `partial` a run may end
        as it will: what finished is in `.results`, why the others did not in `.errors`; what has not ended when the
        time is over is in neither.
        """
        run = self._wait(timeout)
        if not run.ended and not partial:
            raise late(self._store, run, timeout)
        # Of a graph that is still being loaded the functions are not known, and nothing has ended.
        members = self._members if run.ended or run.finished or run.failed or run.canceled else []
        return gather(self._store, run, members, self._serializer, partial=partial)

    def wait(self, timeout: float | None = None) -> str:
        """Wait for at most `timeout` seconds until all of it has ended and is given back, and return its status.

        However it ended, that is not raised; the builtin `TimeoutError` is.
        """
        run = self._wait(timeout)
        if not run.ended:
            raise late(self._store, run, timeout)
        return run.status

    def cancel(self) -> bool:
        """Cancel what has not ended of it; what runs is stopped. -> True if this call decided.

        `.result()` returns when all of it has ended.
        """
        return runs.cancel_run(self._store, self.id, self._instance)

    def progress(self) -> Progress:
        """Count its functions by state, and say what runs where and what waits for what."""
        names = {member.number: member.id for member in self._members}
        return read_progress(self._store, self.id, self._instance, names)

    def to_mermaid(self) -> str:
        """Draw it, as it stands now, as a flowchart for Mermaid."""
        return mermaid(self.vertices())

    def handle(self, function_id: str) -> Handle:
        """The handle of one of its functions. Raises `UnknownFunction`, and `InvalidFunction` for an inline one."""
        member = self._by_id.get(function_id)
        if member is None:
            raise UnknownFunction(str(function_id), self.id)
        if not member.number:
            raise InvalidFunction(
                function_id,
                "it is inline, and evaluated in each function that takes it",
                "ask for the handle of one of these",
            )
        job_id = run_job_id(self._instance, member.number)
        return Handle(self._store, self._serializer, job_id, function_id, None)

    def vertices(self) -> list[Vertex]:
        """All of its functions, inlines too, in the order in which they were added, and where each stands now."""
        standings = read_standings(self._store, self._instance, self._members)
        progress = None
        if any(standing.status in ("waiting", "delayed") for standing in standings.values()):
            progress = self.progress()
        infeasible = frozenset(progress.infeasible if progress else ())
        return [
            self._vertex(member, standings[member.number], progress.waiting if progress else {}, infeasible)
            if member.number
            else Vertex(member.id, member.args, INLINE)
            for member in self._members
        ]

    def _vertex(
        self, member: Member, standing: Standing, waiting: Mapping[str, str], infeasible: frozenset[str]
    ) -> Vertex:
        waits, error = standing.status in ("waiting", "delayed"), standing.error
        return Vertex(
            id=member.id,
            args=member.args,
            state=standing.status,
            node=standing.node,
            asks=waiting.get(member.id, "") if waits else "",
            infeasible=waits and member.id in infeasible,
            job_id=run_job_id(self._instance, member.number),
            attempts=standing.attempts,
            error=None if error is None or standing.status == "canceled" else plain_error(error),
            reason=error.reason if isinstance(error, FunctionCanceled) else "",
        )

    def summary(self) -> RunSummary:
        """What a list of runs says of it."""
        return summary(self._look())

    def _wait(self, timeout: float | None) -> Run:
        run = runs.wait(self._store, self.id, self._instance, timeout)
        if run.ended:
            self._leave()
        return run

    def _look(self) -> Run:
        run = runs.look_run(self._store, self.id, self._instance)
        if run.ended:
            self._leave()
        return run

    def _leave(self) -> None:
        if self._attendant is not None:
            self._attendant.stop()

    @cached_property
    def _members(self) -> list[Member]:
        members = read_members(self._store, self._instance)
        if members is None:
            raise UnknownRun(self.id)
        return members

    @cached_property
    def _by_id(self) -> Mapping[str, Member]:
        return {member.id: member for member in self._members}


def summary(run: Run) -> RunSummary:
    """Put what was read of a run into the words of the list."""
    return RunSummary(
        id=run.id,
        status=run.status,
        total=run.total,
        finished=run.finished,
        failed=run.failed,
        canceled=run.canceled,
        created_at=datetime.fromtimestamp(run.created_ms / 1000, UTC),
        ended_at=None if run.ended_ms is None else datetime.fromtimestamp(run.ended_ms / 1000, UTC),
        reason=run.reason,
    )


class Attendant:
    """A thread that says every few seconds that the client of an attached run lives, until the run has ended.

    A daemon: it does not keep the program alive, and a run is to notice that the program is gone.
    """

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._attend, name=f"handoff-attend-{instance}", daemon=True)

    def start(self) -> Attendant:
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Say no more; returns when the thread has ended. May be called again, and after a fork."""
        self._stopped.set()
        self._thread.join()

    def _attend(self) -> None:
        pause_s = 0.0
        while not self._stopped.wait(pause_s):
            pause_s = TRY_AGAIN_S
            with contextlib.suppress(StoreUnavailable):
                if not runs.attend(self._store, self._instance):
                    return
                pause_s = ATTEND_EVERY_S
