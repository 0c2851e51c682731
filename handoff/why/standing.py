"""The sentences about a function that does not wait for room: where it stands, or for whom it waits. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from handoff.errors import Infeasible, NodeLost, WaitExpired
from handoff.ledger.exceeded import EXCEEDED, read_exceeded
from handoff.ledger.phrases import loss_in_words, shortfall_in_words
from handoff.ledger.records import name_of
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.loss import read_loss
from handoff.words.constraints import pinned_to
from handoff.words.times import moment, span

MOST_NAMED = 3
"""Dependencies that a sentence names."""


def standing_text(job: StoredJob, kind: str, suspended: bool, due_ms: int, now_ms: int) -> str:
    """Say where one stands that does not wait for room. `kind` is that of its node: static, leased, lost."""
    match job.state:
        case "queued":
            return f"placed{_at(job)}, and not yet started{_why_not_started(job, kind, suspended)}"
        case "started":
            return f"runs{_at(job)}{_why_stopped(job)}"
        case "delayed":
            return _delayed(job, due_ms, now_ms, _with)
        case "finished":
            return f"finished{_at(job)}"
        case "failed":
            return _failed(job)
        case "canceled":
            where = _at(job) if job.attempts else " before it started"
            return f"canceled{where}{_why_canceled(job)}"
        case _:
            return f"stands in RQ as {job.text('status')}, where nothing of Handoff starts it"


def own_standing_text(job: StoredJob, due_ms: int, now_ms: int) -> str:
    """Say the same without its node, and without what an operator could do."""
    match job.state:
        case "queued":
            return "has room, and is about to start"
        case "started":
            return "runs, and is being canceled" if job.text("cancel") else "runs"
        case "delayed":
            return _delayed(job, due_ms, now_ms, _own_with)
        case "failed":
            return _own_failed(job)
        case "canceled":
            return f"canceled{_why_canceled(job)}"
        case state:
            return state


def _at(job: StoredJob) -> str:
    with_devices = "".join(f", {name} {' '.join(map(str, held))}" for name, held in job.devices.items())
    return f" on {job.text('node')}{with_devices}" if job.text("node") else ""


def _why_not_started(job: StoredJob, kind: str, suspended: bool) -> str:
    node = job.text("node") or "its node"
    if suspended:
        return ": `rq suspend` keeps all agents from starting anything until `rq resume`"
    if kind == "static":
        return f": no agent runs node {node}, it was registered by hand"
    return f": node {node} is lost, and what stood there is about to be placed again" if kind == "lost" else ""


def _why_stopped(job: StoredJob) -> str:
    if job.text("cancel"):
        return ", and is being canceled"
    return ", and is being stopped, for the node is drained" if job.is_evicted else ""


def _why_canceled(job: StoredJob) -> str:
    # The message of an error is that of a failure before rq requeued it.
    return f", for {job.text('message')}" if job.text("message") and not job.text("error") else ""


def _delayed(job: StoredJob, due_ms: int, now_ms: int, with_what: Callable[[str, str], str]) -> str:
    seconds = max(0, due_ms - now_ms) / 1000
    if job.attempts:
        # Earlier versions have not noted what it failed with.
        error = job.text("last_error")
        failed = f"failed{with_what(error, job.text('last_message')) if error else ''}"
        return f"attempt {job.attempts} of {job.number('retries') + 1} {failed}; the next one is due in {span(seconds)}"
    return f"is delayed until {moment(due_ms)}, which is in {span(seconds)}"


def _failed(job: StoredJob) -> str:
    error, message = job.text("error") or "unknown", job.text("message")
    if error == name_of(Infeasible):
        pin = pinned_to(job.demand.terms) if job.demand else None
        return f"failed, for no live node could hold it: {shortfall_in_words(job.shortfall, pin)}"
    if error == name_of(WaitExpired):
        return f"failed, for it had not started after {span(job.number('message') / 1000)} of waiting"
    return f"failed{_at(job)}{_attempts(job)}{_with(error, message)}"


def _with(error: str, message: str) -> str:
    if error == name_of(NodeLost):
        loss = read_loss(message)
        return f", {'for' if loss.cause else 'when'} {loss_in_words(loss)}"
    if error == EXCEEDED and (exceeded := read_exceeded(message)) is not None:
        return f", for {exceeded.reason}"
    return f" with {error}: {message}".removesuffix(": ")


def _own_failed(job: StoredJob) -> str:
    match job.text("error"):
        case error if error == name_of(Infeasible):
            return "failed, for no live node could hold it"
        case error if error == name_of(WaitExpired):
            return _failed(job)
        case error:
            return f"failed{_attempts(job)}{_own_with(error or 'unknown', job.text('message'))}"


def _own_with(error: str, message: str) -> str:
    return ", for its node was lost" if error == name_of(NodeLost) else _with(error, message)


def _attempts(job: StoredJob) -> str:
    return f" after {job.attempts} attempt{'' if job.attempts == 1 else 's'}"


def deferred_text(count: int, open_ids: Sequence[str], node: str) -> str:
    """Say what one waits for that has `count` dependencies, and that its cost is reserved on `node` already, if so."""
    held = f"; what it costs is reserved on {node} already" if node else ""
    if not open_ids:
        return f"what it takes is there, and it is about to be placed{held}"
    named = [repr(id) for id in open_ids[:MOST_NAMED]]
    if further := len(open_ids) - len(named):
        named.append(f"{further} more")
    listed = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    verb = "has" if len(open_ids) == 1 else "have"
    return f"waits for its dependencies: {count - len(open_ids)} of {count} have ended, {listed} {verb} not{held}"


def behind_text(way: Sequence[str], text: str) -> str:
    """Say why a dependency has not ended: over which others one comes to the last of the `way`, and its `text`."""
    start = "its dependency " + ", which waits for ".join(map(repr, way))
    if not text.startswith(("is ", "runs ", "waits ")):
        return f"{start}: {text}"
    return f"{start}{' ' if len(way) == 1 else ', which '}{text}"


def parked_text(chooser: str | None) -> str:
    """Say for whom one waits that must run where another runs, which is about to choose."""
    other = "another one" if chooser is None else repr(chooser)
    return f"is ready: {other}, with which it is collocated, chooses the node first"


def parked_for(chooser: str | None) -> str:
    """Say the same as what one waits for."""
    return f"for {'another one' if chooser is None else repr(chooser)} to choose a node"


def due_text(attempts: int, due_ms: int, now_ms: int) -> str:
    """Say of one that is delayed until when, or after how many attempts that failed."""
    if attempts:
        return f"attempt {attempts} failed, next in {span(max(0, due_ms - now_ms) / 1000)}"
    return f"until {moment(due_ms)}"
