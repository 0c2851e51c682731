"""One function as rq would run it, or the failure callback of one; knows no ledger and no agent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from redis import Redis
from rq.callbacks import execute_failure_callback, execute_success_callback
from rq.job import JobStatus
from rq.timeouts import BaseDeathPenalty, JobTimeoutException

from handoff.client.current import run_as_current
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.reservation import job_of
from handoff.serializer import SerializerLike, UnreadPickle, resolve
from handoff_worker.inside import failure, graph, watched
from handoff_worker.inside.failure import Hopeless, NotImported
from handoff_worker.inside.importing import NOT_IMPORTABLE
from handoff_worker.inside.inputs import Entry, Unmade
from handoff_worker.inside.job import Job
from handoff_worker.inside.limits import Alarm, limited
from handoff_worker.inside.results import all_serialized, serialized, serialized_part
from handoff_worker.inside.telling import Tells
from handoff_worker.machine.allowed import Allowed

NOT_FOUND = "looked for where the agent was started, in its environment, and in what it was given by --path"
"""What is said of a module that a node has not."""


class Told(NamedTuple):
    """What a failure callback is told."""

    exception_type: str
    message: str
    traceback: str


def execute(
    task: Mapping[str, Any],
    connect: Callable[[Mapping[str, Any]], Redis],
    note_import: Callable[[], None],
    tells: Tells,
    *,
    is_new: bool = True,
) -> dict[str, object]:
    """Run one task and say what came of it; whatever user code raises is in there.

    `note_import` is called when what it needs is imported, before anything of it runs; `tells` hears what it tells.
    Where it is not the first of this process, what cannot be imported is tried in a new one before it counts.
    """
    try:
        return finished(perform(task, connect, note_import, tells, Alarm, is_new=is_new))
    # SystemExit and KeyboardInterrupt as well: they end the function, not the child.
    except BaseException as error:
        return described(error, StoredJob(task["job"]))


def perform(
    task: Mapping[str, Any],
    connect: Callable[[Mapping[str, Any]], Redis],
    note_import: Callable[[], None],
    tells: Tells,
    limit: type[BaseDeathPenalty],
    *,
    is_new: bool = True,
) -> list[bytes]:
    """As `execute`, and raise what user code raises, or what is wrong with the task. -> the result, then its forms"""
    job = _restored(task, connect)
    if task["kind"] == "run":
        call = partial(_run, job, task["node"], task.get("inputs", ()), note_import, tells, limit)
        return watched.run(job, call, _shown if is_new else _shown_in_a_used_process)
    told = Told(task["exception_type"], task["message"], task["traceback"])
    call = partial(_tell_of_failure, job, told, note_import, limit)
    return watched.run(job, call, _shown_of_a_callback)


def finished(made: list[bytes]) -> dict[str, object]:
    """The outcome of a function that has returned."""
    return {"kind": "finished", "result": made[0], "forms": made[1:]}


def described(error: BaseException, job: StoredJob) -> dict[str, object]:
    """The outcome of one that has raised."""
    raised, retryable = _judged(error, job)
    match error:
        case NotImported():
            place = NOT_FOUND if isinstance(error.__cause__, ModuleNotFoundError) else ""
            return failure.describe(raised, retryable=retryable, place=place, begun=False)
        case Unmade():
            return failure.describe(raised, retryable=retryable, place=str(error), begun=error.begun)
    return failure.describe(raised, retryable=retryable)


def _judged(error: BaseException, job: StoredJob) -> tuple[BaseException, bool]:
    """-> what was raised, and whether another attempt may end otherwise"""
    match error:
        case NotImported():
            return error.__cause__ or error, error.retryable
        case Hopeless():
            return error.__cause__ or error, False
        case Unmade():
            raised = error.__cause__ or error
            return raised, error.retryable and failure.may_retry(raised, job)
    return error, failure.may_retry(error, job)


def _shown(job: Job, error: BaseException) -> tuple[BaseException, bool]:
    """What watchers are told. -> what was raised, and whether the function is tried again"""
    stored = StoredJob(job.stored)
    raised, retryable = _judged(error, stored)
    return raised, retryable and stored.attempts <= stored.number("retries")


def _shown_in_a_used_process(job: Job, error: BaseException) -> tuple[BaseException, bool]:
    raised, is_tried_again = _shown(job, error)
    return raised, is_tried_again or isinstance(error, NotImported)


def _shown_of_a_callback(job: Job, error: BaseException) -> tuple[BaseException, bool]:
    return _judged(error, StoredJob(job.stored))[0], False


def _restored(task: Mapping[str, Any], connect: Callable[[Mapping[str, Any]], Redis]) -> Job:
    try:
        job_id, connect_here = job_of(task["id"]), partial(connect, task["redis"])
        allowed = Allowed(task["allow"]) if "allow" in task else None
        job = Job.unread(job_id, connect_here, _serializer(task["serializer"]), task["job"], allowed)
    except Exception as error:
        raise NotImported(retryable=False) from error
    job.worker_name = task["worker"]
    return job


def _serializer(name: str) -> SerializerLike:
    return UnreadPickle if name == "unread" else resolve(name)


def _run(
    job: Job,
    node: str,
    sent: Iterable[tuple[int, Entry]],
    note_import: Callable[[], None],
    tells: Tells,
    limit: type[BaseDeathPenalty],
) -> list[bytes]:
    """`sent` came along of the results that it takes. -> the result, then its forms"""
    # Not under the limit of time, whose exception rq would take for one of the arguments.
    _read_call(job)
    with limited(job.limit_s, limit):
        _import(job)
        note_import()
        job.tell_part = partial(_tell_part, tells, job.serializer)
        with run_as_current(job.id, node, job.stored, tells.progress):
            plain = job.inputs is None and not job.forms
            result, formed = (job.perform(), None) if plain else graph.perform(job, node, sent, note_import)
    # Before the callback, unlike rq: nobody is told of a success that cannot be stored.
    data = all_serialized(job.serializer, result, formed) if formed else [serialized(job.serializer, result)]
    if job.has_on_success:
        job._status = JobStatus.FINISHED
        execute_success_callback(job, limit, result)
    return data


def _read_call(job: Job) -> None:
    try:
        job.read_call()
    except Exception as error:
        raise NotImported(retryable=False) from error


def _tell_part(tells: Tells, serializer: SerializerLike, part: object) -> None:
    tells.part(serialized_part(serializer, part))


def _import(job: Job) -> None:
    try:
        _ = job.func
        if job.has_on_success:
            _ = job.success_callback
        job.check_on_failure()
    except JobTimeoutException:
        raise
    except Exception as error:
        raise _not_imported(error) from error


def _not_imported(error: Exception) -> NotImported:
    return NotImported(retryable=not isinstance(error, NOT_IMPORTABLE))


def _tell_of_failure(
    job: Job, told: Told, note_import: Callable[[], None], limit: type[BaseDeathPenalty]
) -> list[bytes]:
    try:
        _ = job.failure_callback
    except Exception as missing:
        raise _not_imported(missing) from missing
    note_import()
    error = failure.rebuild(told.exception_type, told.message, job.allowed)
    if told.traceback:
        error.add_note(told.traceback)
    job._status = JobStatus.FAILED
    execute_failure_callback(job, limit, type(error), error, None)
    return [b""]
