"""A run handle for asyncio, and what keeps an attached run alive there."""

from __future__ import annotations

import asyncio

from handoff.aio.handle import Handle
from handoff.client.attendant import attend
from handoff.client.run_calls import RunCalls
from handoff.ledger.asking import Ledger


class RunHandle(RunCalls):
    """One run of a DAG: what `handoff.RunHandle` tells, each a call that asks Redis and is awaited."""

    def __repr__(self) -> str:
        return f"RunHandle({self.id!r})"

    async def handle(self, function_id: str) -> Handle:
        """The handle of one of its functions. Raises `UnknownFunction`, and `InvalidFunction` for an inline one."""
        return Handle(self._ledger, self._serializer, await self.job_id(function_id), function_id, None)


class Attendant:
    """A task that says every few seconds that the client of an attached run lives, until the run has ended."""

    def __init__(self, ledger: Ledger, instance: str) -> None:
        self._task = asyncio.create_task(attend(ledger, instance, _pass), name=f"handoff-attend-{instance}")

    def stop(self) -> None:
        """Say no more."""
        self._task.cancel()


async def _pass(seconds: float) -> bool:
    await asyncio.sleep(seconds)
    return False
