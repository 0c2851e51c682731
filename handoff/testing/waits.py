"""What a test waits for in vain: told with the function, and with why that does not run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from handoff.errors import HandoffError
from handoff.ledger.fields import names_of
from handoff.ledger.store import Store
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.run_id import run_job_id
from handoff.why.explain import explain

MOST_TOLD = 3
"""Functions whose reasons are told one by one."""

_FIELDS = ("code", "function")


class NothingRuns(TimeoutError):
    """What is waited for does not come: nothing that is here can run now."""


def streams_of(command: Sequence[Any]) -> list[str]:
    """The streams that a read waits for."""
    rest = command[command.index("STREAMS") + 1 :]
    return [str(stream) for stream in rest[: len(rest) // 2]]


def nothing_runs(store: Store, streams: Iterable[str], advice: str) -> NothingRuns:
    """The error of who waits for these streams, in which ends are told of functions or of runs."""
    ids = [id for stream in streams for id in _waited_for(store, stream)]
    told = [text for id in ids[:MOST_TOLD] if (text := _reason(store, id))]
    if len(ids) > MOST_TOLD:
        told.append(f"and {len(ids) - MOST_TOLD} more")
    waits = "; ".join(told) or "what is waited for has not come"
    return NothingRuns(f"nothing can run now, and {waits}. {advice}")


def _waited_for(store: Store, stream: str) -> list[str]:
    """The jobs whose ends are told in a stream; of a run those that are ready."""
    results, ends = store.keys("rq_results", ""), store.keys("run_end", "")
    if stream.startswith(results):
        return [stream.removeprefix(results)]
    if not stream.startswith(ends):
        return []
    run = stream.removeprefix(ends)
    active = store.read("SMEMBERS", store.keys("run_active", run))
    return [run_job_id(run, number) for number in sorted(map(int, active))]


def _reason(store: Store, job_id: str) -> str:
    key = store.keys("rq_job", job_id)
    job = StoredJob.of(_FIELDS, store.read("HMGET", key, *names_of(_FIELDS)))
    try:
        return f"{job.text('code')} ({job.text('function') or job_id}) {explain(store, job_id).text}"
    except HandoffError:
        return ""
