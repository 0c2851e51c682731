"""What can be asked of one run of a DAG: each call once, for both of its faces."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

from handoff.client.run_summary import RunSummary, summary
from handoff.errors import FunctionCanceled, InvalidFunction, UnknownFunction, UnknownRun, named
from handoff.graph.mermaid import mermaid
from handoff.graph.vertex import INLINE, Vertex
from handoff.ledger import runs
from handoff.ledger.asking import Ledger
from handoff.ledger.members import Member, Standing, read_members, read_standings
from handoff.ledger.results import RunResult, gather, plain_error
from handoff.ledger.runs import Run
from handoff.ledger.texts.run_id import run_job_id
from handoff.serializer import SerializerLike
from handoff.why.progress import Progress, late, read_progress
from handoff.words.values import check_flag, patience_s


class Attending(Protocol):
    """What says that the client of a run is there."""

    def stop(self) -> object:
        """Say no more."""


class RunCalls:
    """One run of a DAG, as code asks it that awaits. What looks at it asks Redis each time.

    `UnknownRun` is raised by whatever looks after the run has expired; a new run of the same id is another one.
    """

    def __init__(
        self, ledger: Ledger, serializer: SerializerLike, id: str, instance: str, attendant: Attending | None = None
    ) -> None:
        self._ledger = ledger
        self._serializer = serializer
        self.instance = instance
        self._attendant = attendant
        self._read: dict[str, Member] | None = None  #: by the users' ids
        self.id = id  #: of the DAG

    async def status(self) -> str:
        """Now: "running", "finished", "failed" or "canceled". One that is being stopped is running."""
        return (await self._look()).status

    async def result(self, timeout: float | None = None, partial: bool = False) -> RunResult:
        """Return all results, waiting for at most `timeout` seconds until all of it has ended and is given back.

        Waits on the server. Raises what the function that failed first raises by its own handle; `RunCanceled`,
        `RunTimedOut`, `UnknownRun`, and the builtin `TimeoutError`, which changes nothing. With `partial` a run may end
        as it will: what finished is in `.results`, why the others did not in `.errors`; what has not ended when the
        time is over is in neither.
        """
        check_flag("partial", partial)
        ledger = self._ledger.until(time.monotonic() + patience_s(timeout))
        run = await self._wait(timeout)
        if not run.ended and not partial:
            raise await late(self._ledger, run, timeout)
        # Of a graph that is still being loaded the functions are not known, and nothing has ended.
        has_ends = run.ended or run.finished or run.failed or run.canceled
        members = list((await self._members()).values()) if has_ends else []
        return await gather(ledger, run, members, self._serializer, partial=partial)

    async def wait(self, timeout: float | None = None) -> str:
        """Wait for at most `timeout` seconds until all of it has ended and is given back, and return its status.

        However it ended, that is not raised; the builtin `TimeoutError` is.
        """
        run = await self._wait(timeout)
        if not run.ended:
            raise await late(self._ledger, run, timeout)
        return run.status

    async def cancel(self) -> bool:
        """Cancel what has not ended of it; what runs is stopped. -> True if this call decided.

        `.result()` returns when all of it has ended.
        """
        return await runs.cancel_run(self._ledger, self.id, self.instance)

    async def progress(self) -> Progress:
        """Count its functions by state, and say what runs where and what waits for what."""
        names = {member.number: member.id for member in (await self._members()).values()}
        return await read_progress(self._ledger, self.id, self.instance, names)

    async def to_mermaid(self) -> str:
        """Draw it, as it stands now, as a flowchart for Mermaid."""
        return mermaid(await self.vertices())

    async def job_id(self, function_id: str) -> str:
        """The id of one of its functions. Raises `UnknownFunction`, and `InvalidFunction` for an inline one."""
        member = (await self._members()).get(function_id) if isinstance(function_id, str) else None
        if member is None:
            raise UnknownFunction(named(function_id), self.id)
        if not member.number:
            raise InvalidFunction(
                function_id,
                "it is inline, and evaluated in each function that takes it",
                "ask for the handle of one of these",
            )
        return run_job_id(self.instance, member.number)

    async def vertices(self) -> list[Vertex]:
        """All of its functions, inlines too, in the order in which they were added, and where each stands now."""
        members = list((await self._members()).values())
        standings = await read_standings(self._ledger, self.instance, members)
        progress = None
        if any(standing.status in ("waiting", "delayed") for standing in standings.values()):
            progress = await self.progress()
        infeasible = frozenset(progress.infeasible if progress else ())
        return [
            self._vertex(member, standings[member.number], progress.waiting if progress else {}, infeasible)
            if member.number
            else Vertex(member.id, member.args, INLINE)
            for member in members
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
            job_id=run_job_id(self.instance, member.number),
            attempts=standing.attempts,
            error=None if error is None or standing.status == "canceled" else plain_error(error),
            reason=error.reason if isinstance(error, FunctionCanceled) else "",
        )

    async def summary(self) -> RunSummary:
        """What a list of runs says of it."""
        return summary(await self._look())

    async def _wait(self, timeout: float | None) -> Run:
        run = await runs.wait(self._ledger, self.id, self.instance, timeout)
        if run.ended:
            self._leave()
        return run

    async def _look(self) -> Run:
        run = await runs.look_run(self._ledger, self.id, self.instance)
        if run.ended:
            self._leave()
        return run

    def _leave(self) -> None:
        if self._attendant is not None:
            self._attendant.stop()

    async def _members(self) -> dict[str, Member]:
        if self._read is None:
            members = await read_members(self._ledger, self.instance)
            if members is None:
                raise UnknownRun(self.id)
            self._read = {member.id: member for member in members}
        return self._read
