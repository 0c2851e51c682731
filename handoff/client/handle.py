"""A handle: one submitted function, as anybody with its id may look at it, wait for it or cancel it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, overload

from handoff.errors import HandoffError, UnknownFunction
from handoff.ledger import functions as work
from handoff.ledger.logs import follow_logs, read_logs
from handoff.ledger.records import Record, look, usage_of
from handoff.ledger.retrying import retry
from handoff.ledger.rqmodel import fetch_job
from handoff.ledger.store import Store
from handoff.ledger.stream import stream_parts
from handoff.ledger.texts.usage import FunctionUsage
from handoff.ledger.told import FunctionProgress, progress_of
from handoff.ledger.verdict import Verdict, was_created
from handoff.ledger.watching import FunctionState, watch
from handoff.serializer import SerializerLike
from handoff.why.explain import explain
from handoff.why.explanation import Explanation
from handoff.words.values import check_flag, patience_s

if TYPE_CHECKING:
    from rq.job import Job


class Handle:
    """One function that was submitted. Properties ask Redis each time.

    `UnknownFunction` is raised by whatever looks after the function's record has expired or was deleted.
    """

    def __init__(
        self,
        store: Store,
        serializer: SerializerLike,
        job_id: str,
        function_id: str,
        verdict: Verdict | None,
        *,
        is_new: bool = False,
    ) -> None:
        """`is_new`: it was submitted just now with this serializer, under an id that nobody has used before."""
        self._store = store
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

    @property
    def status(self) -> str:
        """Now: "deferred", "waiting", "delayed", "queued", "started", "finished", "failed" or "canceled"."""
        return look(self._store, self.id).status

    @property
    def node(self) -> str | None:
        """Where it is placed, runs or ran; None while it waits."""
        return look(self._store, self.id).node

    @property
    def devices(self) -> dict[str, list[int]]:
        """Which devices its reservation holds or held: `{"gpu": [0, 1]}`."""
        return look(self._store, self.id).devices

    @property
    def attempts(self) -> int:
        """How often it was started."""
        return look(self._store, self.id).attempts

    @property
    def progress(self) -> FunctionProgress | None:
        """How far it has said that it is, by `handoff.current().progress(...)`; None where it has not."""
        return progress_of(self._store, self.id)

    @property
    def usage(self) -> FunctionUsage | None:
        """What its last attempt has used: `.memory`, `.cpu_s`, `.duration`. None until it has ended, or if unknown.

        `.memory` is the most that its process has had of MB that are resident, what that had kept of functions before
        it included. If it has waited for other processes, the largest that any function there has waited for is added.
        """
        return usage_of(self._store, self.id)

    @property
    def job(self) -> Job:
        """The `rq.job.Job`, fetched now."""
        job = self._store.insist(lambda: fetch_job(self.id, self._store.client, self._serializer))
        if job is None:
            raise UnknownFunction(self.id)
        return job

    def result(self, timeout: float | None = None) -> Any:
        """Return what the function returned, waiting for at most `timeout` seconds (None = as long as it takes).

        Waits on the server, and waits an outage of Redis out that comes meanwhile: until `timeout`, or without one for
        a minute. Raises `FunctionFailed`, `FunctionCanceled`, `NodeLost`, `UnknownFunction`, `StoreUnavailable`, and
        the builtin `TimeoutError`, which changes nothing: ask again as often as you like. After a second or more it
        says why the function has not started.
        """
        is_new, self._is_new = self._is_new, False
        ended, self.ended = self.ended, None
        return work.wait(self._store, self.id, self._serializer, timeout, self._why, is_new=is_new, ended=ended)

    def stream(self, restart: bool = False) -> Iterator[Any]:
        """Give what a generator function yields, as it comes; what has come before too, as far as it is kept.

        The last 1,000 parts are kept, of at most 8 MB together. Ends with the function, and raises then what `result`
        raises. When the function is tried again, raises `StreamRestarted`: parts are of one attempt. With `restart` it
        goes on with those of the new one instead. Raises `StreamBehind` where parts are gone that were to come next.
        """
        check_flag("restart", restart)
        return stream_parts(self._store, self.id, self._serializer, restart=restart)

    def watch(self, timeout: float | None = None) -> Iterator[FunctionState]:
        """Give where it stands and how far it is now, and whenever that has changed; what it has ended as comes last.

        Waits on the server, as `result` does: an end or a progress is given at once, all else within half a second.
        Raises `StoreUnavailable` while Redis is away, as any call does, and the builtin `TimeoutError` after `timeout`
        seconds: watch again as often as you like.
        """
        return watch(self._store, self.id, patience_s(timeout))

    @overload
    def logs(self, *, follow: Literal[False] = False) -> str: ...

    @overload
    def logs(self, *, follow: Literal[True]) -> Iterator[str]: ...

    def logs(self, *, follow: bool = False) -> str | Iterator[str]:
        """What it has printed and logged so far, by Python's `sys.stdout` and `sys.stderr`; of the last four attempts.

        Of each the first and the last 32 kB, or what its node is set to keep (`handoff node --log-size`). With `follow`
        an iterator of lines, which goes on until it has ended.
        """
        check_flag("follow", follow)
        return follow_logs(self._store, self.id) if follow else read_logs(self._store, self.id)

    async def _why(self) -> str:
        try:
            return explain(self._store, self.id).text
        except HandoffError:
            # Whoever asks for a result is told that there is none yet, with or without the reason.
            return ""

    def explain(self) -> Explanation:
        """Why it stands as it does: what it waits for, who holds that, and the smallest change that would start it."""
        return explain(self._store, self.id)

    def cancel(self) -> bool:
        """Cancel it in whatever state it is. -> True if this call decided.

        False if it had ended or was canceled by another call. A running one is canceled, and its reservation given
        back, once its child is dead or its node lost.
        """
        return work.cancel(self._store, self.id)

    def retry(self) -> Verdict:
        """Let it start afresh, under its id and with all that it asked for, where it has failed or was canceled.

        Nothing is kept of what became of it: attempts, result, logs and progress begin anew. -> what was decided, as by
        a submit. Raises `NotRetried` where it has not ended or has finished, and of one that belongs to a run.
        """
        return retry(self._store, self.id)
