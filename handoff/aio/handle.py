"""A handle for asyncio: one submitted function, as anybody with its id may look at it, wait for it or cancel it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from typing import Any, Literal, overload

from handoff.errors import HandoffError
from handoff.ledger import functions as work
from handoff.ledger.asking import Ledger
from handoff.ledger.logs import follow_logs, read_logs
from handoff.ledger.records import Record, look, usage_of
from handoff.ledger.retrying import retry
from handoff.ledger.stream import stream_parts
from handoff.ledger.texts.usage import FunctionUsage
from handoff.ledger.told import FunctionProgress, progress_of
from handoff.ledger.verdict import Verdict, was_created
from handoff.ledger.watching import FunctionState, watch
from handoff.serializer import SerializerLike
from handoff.why.explain import explain
from handoff.why.explanation import Explanation
from handoff.words.values import check_flag, patience_s


class Handle:
    """One function that was submitted: what `handoff.Handle` tells, each a call that asks Redis and is awaited.

    Of rq's own job there is none: rq knows no asyncio.
    """

    def __init__(
        self,
        ledger: Ledger,
        serializer: SerializerLike,
        job_id: str,
        function_id: str,
        verdict: Verdict | None,
        *,
        is_new: bool = False,
    ) -> None:
        """`is_new` is as for `handoff.Handle`."""
        self._ledger = ledger
        self._serializer = serializer
        self._is_new = is_new
        self.id = job_id  #: the RQ job id
        self.function_id = function_id  #: the user's id
        self.verdict = verdict  #: what submit decided; None of one in a run, and on a handle made from an id
        #: What `as_completed` has read of its end, until its result is asked for. Not part of the public contract.
        self.ended: Record | None = None

    def __repr__(self) -> str:
        return f"Handle({self.id!r}, function_id={self.function_id!r})"

    @property
    def created(self) -> bool:
        """Whether the call that gave this handle has submitted it; False of one that had its key, or is looked up."""
        return was_created(self.verdict)

    async def status(self) -> str:
        """Now: "deferred", "waiting", "delayed", "queued", "started", "finished", "failed" or "canceled"."""
        return (await look(self._ledger, self.id)).status

    async def node(self) -> str | None:
        """Where it is placed, runs or ran; None while it waits."""
        return (await look(self._ledger, self.id)).node

    async def devices(self) -> dict[str, list[int]]:
        """Which devices its reservation holds or held: `{"gpu": [0, 1]}`."""
        return (await look(self._ledger, self.id)).devices

    async def attempts(self) -> int:
        """How often it was started."""
        return (await look(self._ledger, self.id)).attempts

    async def progress(self) -> FunctionProgress | None:
        """How far it has said that it is, by `handoff.current().progress(...)`; None where it has not."""
        return await progress_of(self._ledger, self.id)

    async def usage(self) -> FunctionUsage | None:
        """What its last attempt has used, as `handoff.Handle.usage`; None until it has ended, or if nobody knows it."""
        return await usage_of(self._ledger, self.id)

    async def result(self, timeout: float | None = None) -> Any:
        """Return what the function returned, waiting for at most `timeout` seconds (None = as long as it takes).

        Any number may wait so at once: all that wait in one event loop share one connection. What is raised is what
        `handoff.Handle.result` raises; to be canceled, as by `asyncio.timeout`, changes nothing.
        """
        is_new, self._is_new = self._is_new, False
        ended, self.ended = self.ended, None
        return await work.wait(self._ledger, self.id, self._serializer, timeout, self._why, is_new=is_new, ended=ended)

    def stream(self, restart: bool = False) -> AsyncIterator[Any]:
        """Give what a generator function yields, as it comes: `async for part in handle.stream()`.

        What is given and raised is as by `handoff.Handle.stream`.
        """
        check_flag("restart", restart)
        return stream_parts(self._ledger, self.id, self._serializer, restart=restart)

    def watch(self, timeout: float | None = None) -> AsyncIterator[FunctionState]:
        """Give where it stands and how far it is, whenever that changes: `async for state in handle.watch()`.

        What is given and raised is as by `handoff.Handle.watch`. All that wait in one event loop share one connection.
        """
        return watch(self._ledger, self.id, patience_s(timeout))

    @overload
    def logs(self, *, follow: Literal[False] = False) -> Coroutine[Any, Any, str]: ...

    @overload
    def logs(self, *, follow: Literal[True]) -> AsyncIterator[str]: ...

    def logs(self, *, follow: bool = False) -> Coroutine[Any, Any, str] | AsyncIterator[str]:
        """What it has printed and logged so far: `await handle.logs()`; `async for line in handle.logs(follow=True)`.

        What is kept of it is as for `handoff.Handle.logs`.
        """
        check_flag("follow", follow)
        return follow_logs(self._ledger, self.id) if follow else read_logs(self._ledger, self.id)

    async def _why(self) -> str:
        try:
            return (await explain(self._ledger, self.id)).text
        except HandoffError:
            # Whoever asks for a result is told that there is none yet, with or without the reason.
            return ""

    async def explain(self) -> Explanation:
        """Why it stands as it does: what it waits for, who holds that, and the smallest change that would start it."""
        return await explain(self._ledger, self.id)

    async def cancel(self) -> bool:
        """Cancel it in whatever state it is. -> True if this call decided.

        False if it had ended or was canceled by another call. A running one is canceled, and its reservation given
        back, once its child is dead or its node lost.
        """
        return await work.cancel(self._ledger, self.id)

    async def retry(self) -> Verdict:
        """Let it start afresh, under its id and with all that it asked for, where it has failed or was canceled.

        What is kept, returned and raised is as by `handoff.Handle.retry`.
        """
        return await retry(self._ledger, self.id)
