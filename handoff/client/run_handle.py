"""A run handle: one run of a DAG, as anybody with its id may follow it, wait for it or cancel it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property

from handoff.client.attendant import Attendant
from handoff.client.handle import Handle
from handoff.client.run_summary import RunSummary, summary
from handoff.errors import FunctionCanceled, InvalidFunction, UnknownFunction, UnknownRun, named
from handoff.graph.mermaid import mermaid
from handoff.graph.vertex import INLINE, Vertex
from handoff.ledger import runs
from handoff.ledger.members import Member, Standing, read_members, read_standings
from handoff.ledger.results import RunResult, gather, plain_error
from handoff.ledger.runs import Run
from handoff.ledger.store import Store
from handoff.ledger.texts.run_id import run_job_id
from handoff.serializer import SerializerLike
from handoff.why.progress import Progress, late, read_progress
from handoff.words.values import check_flag, patience_s


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
        check_flag("partial", partial)
        store = self._store.until(time.monotonic() + patience_s(timeout))
        run = self._wait(timeout)
        if not run.ended and not partial:
            raise late(self._store, run, timeout)
        # Of a graph that is still being loaded the functions are not known, and nothing has ended.
        members = self._members if run.ended or run.finished or run.failed or run.canceled else []
        return gather(store, run, members, self._serializer, partial=partial)

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
        member = self._by_id.get(function_id) if isinstance(function_id, str) else None
        if member is None:
            raise UnknownFunction(named(function_id), self.id)
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
