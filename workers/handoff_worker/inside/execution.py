"""One function as rq would run it, or the failure callback of one; knows no ledger and no agent."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType
from typing import Any

from redis import Redis
from rq.callbacks import execute_failure_callback, execute_success_callback
from rq.exceptions import DeserializationError
from rq.job import JobStatus
from rq.timeouts import BaseDeathPenalty, JobTimeoutException, UnixSignalDeathPenalty

from handoff.client.current import run_as_current
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.reservation import job_of
from handoff.serializer import SerializerLike, UnreadPickle, resolve
from handoff_worker.inside import failure, graph
from handoff_worker.inside.failure import Hopeless, NotImported
from handoff_worker.inside.importing import NOT_IMPORTABLE
from handoff_worker.inside.inputs import Unmade
from handoff_worker.inside.job import Job
from handoff_worker.inside.results import all_serialized, serialized, serialized_part
from handoff_worker.inside.telling import Tells
from handoff_worker.machine.allowed import Allowed

NOT_FOUND = "looked for where the agent was started, in its environment, and in what it was given by --path"
"""What is said of a module that a node has not."""

_NO_LIMIT = contextlib.nullcontext()


class Alarm(UnixSignalDeathPenalty):
    """rq's limit of time, that remembers whether it struck: a function may have caught what it raised."""

    struck = False

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        type(self).struck = True
        super().handle_death_penalty(signum, frame)  # type: ignore[no-untyped-call]


class NoLimit(BaseDeathPenalty):
    """rq's limit of time where nobody enforces it: within a test its signal would end the test."""

    def setup_death_penalty(self) -> None: ...

    def cancel_death_penalty(self) -> None: ...


def execute(
    task: Mapping[str, Any],
    connect: Callable[[Mapping[str, Any]], Redis],
    note_import: Callable[[], None],
    tells: Tells,
) -> dict[str, object]:
    """Run one task and say what came of it; whatever user code raises is in there.

    `note_import` is called when what it needs is imported, before anything of it runs; `tells` hears what it tells.
    """
    try:
        return finished(perform(task, connect, note_import, tells, Alarm))
    # SystemExit and KeyboardInterrupt as well: they end the function, not the child.
    except BaseException as error:
        return described(error, StoredJob(task["job"]))


def perform(
    task: Mapping[str, Any],
    connect: Callable[[Mapping[str, Any]], Redis],
    note_import: Callable[[], None],
    tells: Tells,
    limit: type[BaseDeathPenalty],
) -> list[bytes]:
    """As `execute`, and raise what user code raises, or what is wrong with the task. -> the result, then its forms"""
    job = _restore(task, connect)
    if task["kind"] != "run":
        return _tell_of_failure(job, task, note_import, limit)
    return _run(job, task, note_import, tells, limit)


def finished(made: list[bytes]) -> dict[str, object]:
    """The outcome of a function that has returned."""
    return {"kind": "finished", "result": made[0], "forms": made[1:]}


def described(error: BaseException, job: StoredJob) -> dict[str, object]:
    """The outcome of one that has raised."""
    match error:
        case NotImported():
            missing = isinstance(error.__cause__, ModuleNotFoundError)
            place = NOT_FOUND if missing else ""
            return failure.describe(error.__cause__ or error, retryable=error.retryable, place=place, begun=False)
        case Hopeless():
            return failure.describe(error.__cause__ or error, retryable=False)
        case Unmade():
            return failure.describe(
                raised := error.__cause__ or error,
                retryable=error.retryable and failure.may_retry(raised, job),
                place=str(error),
                begun=error.begun,
            )
    return failure.describe(error, retryable=failure.may_retry(error, job))


def _restore(task: Mapping[str, Any], connect: Callable[[Mapping[str, Any]], Redis]) -> Job:
    try:
        job_id, connect_here = job_of(task["id"]), partial(connect, task["redis"])
        allowed = Allowed(task["allow"]) if "allow" in task else None
        job = Job.unread(job_id, connect_here, _serializer(task["serializer"]), task["job"], allowed)
        if task["kind"] == "run":
            # Here and not under the limit of time, whose exception rq would take for one of the arguments.
            job.read_call()
    except DeserializationError as error:
        # rq's has no text of its own.
        raise NotImported(retryable=False) from error.__cause__
    except Exception as error:
        raise NotImported(retryable=False) from error
    job.worker_name = task["worker"]
    return job


def _serializer(name: str) -> SerializerLike:
    return UnreadPickle if name == "unread" else resolve(name)


def _run(
    job: Job, task: Mapping[str, Any], note_import: Callable[[], None], tells: Tells, limit: type[BaseDeathPenalty]
) -> list[bytes]:
    """-> the result, then its forms"""
    with _limited(job, limit):
        _import(job)
        note_import()
        job.tell_part = partial(_tell_part, tells, job.serializer)
        with run_as_current(job.id, task["node"], job.stored, tells.progress):
            plain = job.inputs is None and not job.forms
            result, formed = (job.perform(), None) if plain else graph.perform(job, task, note_import)
    # Before the callback, unlike rq: nobody is told of a success that cannot be stored.
    data = all_serialized(job.serializer, result, formed) if formed else [serialized(job.serializer, result)]
    if job.has_on_success:
        job._status = JobStatus.FINISHED
        execute_success_callback(job, limit, result)
    return data


def _tell_part(tells: Tells, serializer: SerializerLike, part: object) -> None:
    tells.part(serialized_part(serializer, part))


def _limited(job: Job, limit: type[BaseDeathPenalty]) -> contextlib.AbstractContextManager[None]:
    limit_s = job.limit_s
    if limit_s is None:
        return _NO_LIMIT
    return limit(limit_s, JobTimeoutException)


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
    job: Job, task: Mapping[str, Any], note_import: Callable[[], None], limit: type[BaseDeathPenalty]
) -> list[bytes]:
    try:
        _ = job.failure_callback
    except Exception as missing:
        raise _not_imported(missing) from missing
    note_import()
    error = failure.rebuild(task["exception_type"], task["message"], job.allowed)
    if task["traceback"]:
        error.add_note(task["traceback"])
    job._status = JobStatus.FAILED
    execute_failure_callback(job, limit, type(error), error, None)
    return [b""]
