"""RQ's data model as Handoff writes and reads it; with the worker side's room `inside`, all that imports rq.

A function is one RQ job: rq's own tools see it, and what they write is honoured by the scripts.
"""

from __future__ import annotations

import inspect
import json
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import redis
import rq.utils
from rq.callbacks import Callback
from rq.defaults import CALLBACK_TIMEOUT
from rq.defaults import DEFAULT_FAILURE_TTL as DEFAULT_FAILURE_TTL
from rq.defaults import DEFAULT_RESULT_TTL as DEFAULT_RESULT_TTL
from rq.defaults import RQ_KEY_PREFIX as RQ_KEY_PREFIX
from rq.exceptions import NoSuchJobError, TimeoutFormatError
from rq.job import Dependency, Job, validate_job_id
from rq.queue import Queue
from rq.version import VERSION

from handoff.errors import InvalidFunction, named, shown
from handoff.serializer import Serializer, SerializerLike
from handoff.words.code import import_path
from handoff.words.rules import LONGEST_TIMEOUT_S
from handoff.words.values import is_count, is_int, is_real

LONGEST_JOB_ID = 255
"""Characters of a `job_id`."""

LONGEST_DESCRIPTION = 1_000
"""Characters that are kept of a description."""

SMALL = 4096
"""Bytes of a call for which a window of as many does. The 256 kB of the usual one may be taken from the system, and
given back, each time: that takes 50 us where 2 would do."""

TINY = 200
"""Bytes of a call that is left as it is: RQ reads it so too, and it would hardly be smaller. In msgpack or pickled, no
call begins as what zlib has packed."""

LARGE = 1_000_000
"""Bytes of a call that is compressed in a hurry."""

CallbackLike = Callback | Callable[..., Any] | str

DependencyLike = Dependency | Job | str


def now_text() -> str:
    """This moment as RQ writes it."""
    return utc_text(datetime.now(UTC))


def call_fields(data: bytes, description: str) -> dict[str, str | bytes]:
    """What a job's hash says of its call, which `data` is serialized."""
    return {"data": _compress(data), "description": description}


def job_fields(
    *,
    timeout: int,
    result_ttl: int,
    failure_ttl: int,
    meta: bytes | None,
    on_success: CallbackLike | None,
    on_failure: CallbackLike | None,
) -> list[str | bytes | int]:
    """Lay out what else the client decides of a job's hash as RQ would read it back: name, value, ...

    Times are in seconds, -1 = for ever. Empty fields are not written.
    """
    flat: list[str | bytes | int] = [
        # rq's `requeue` gives a job that has no timeout at all one of 180 s; -1 is its word for no limit.
        "timeout", timeout,
        "result_ttl", result_ttl,
        "failure_ttl", failure_ttl,
    ]  # fmt: skip
    if meta is not None:
        flat += ["meta", meta]
    for name, callback in (("success", on_success), ("failure", on_failure)):
        if callback is not None:
            wrapped = callback if isinstance(callback, Callback) else Callback(callback)
            flat += [
                f"{name}_callback_name",
                wrapped.name,
                f"{name}_callback_timeout",
                wrapped.timeout or CALLBACK_TIMEOUT,
            ]
    return flat


def _compress(data: bytes) -> bytes:
    if len(data) <= TINY:
        return data
    if len(data) > SMALL:
        return zlib.compress(data, 1 if len(data) > LARGE else -1)
    packer = zlib.compressobj(wbits=SMALL.bit_length() - 1, memLevel=5)
    return packer.compress(data) + packer.flush()


def describe_call(func_name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """RQ's own description of a call, cut as RQ cuts it; without the arguments where they cannot be shown."""
    try:
        text = str(rq.utils.get_call_string(func_name, args, dict(kwargs), max_length=75))
    # Of foreign code: to show an argument is to call its `__repr__`.
    except Exception:
        text = f"{func_name}(...)"
    return _plain(text)


def check_description(job_id: str, description: object) -> str | None:
    """Return what a user calls a job, cut to what is kept of it. Raises `InvalidFunction`."""
    if description is None:
        return None
    if not isinstance(description, str):
        raise InvalidFunction(job_id, f"its description is {shown(description)}", "give a text, or None")
    if len(description) > LONGEST_DESCRIPTION:
        description = f"{description[: LONGEST_DESCRIPTION - 3]}..."
    return _plain(description)


def check_meta(job_id: str, meta: object) -> Mapping[str, Any] | None:
    """Return what a user keeps with a job. Raises `InvalidFunction`; what it holds is the serializer's."""
    if meta is not None and not isinstance(meta, Mapping):
        raise InvalidFunction(job_id, f"its meta is {shown(meta)}", "give a mapping, such as meta={'by': 'me'}")
    return meta


def check_callback(job_id: str, callback: object) -> None:
    """Raise `InvalidFunction` for what no node could import, or for too long a time. Text is not imported here."""
    if callback is None:
        return
    code, timeout = (callback.func, callback.timeout) if isinstance(callback, Callback) else (callback, None)
    if isinstance(code, str):
        if not all(part.isidentifier() for part in code.replace(":", ".", 1).split(".")):
            raise InvalidFunction(job_id, f"its callback is {shown(code)}", 'write "package.module.name"')
    elif inspect.isfunction(code) or inspect.isbuiltin(code):
        import_path(code, function_id=job_id)
    else:
        raise InvalidFunction(job_id, f"its callback is {shown(code)}", 'pass a function, or "package.module.name"')
    if timeout is not None and not is_count(timeout, 0, LONGEST_TIMEOUT_S):
        rule = f"give whole seconds, at most {LONGEST_TIMEOUT_S}"
        raise InvalidFunction(job_id, f"the timeout of its callback is {shown(timeout)}", rule)


def check_job_id(job_id: object) -> str:
    """Return `job_id` if RQ allows it: letters, digits, `_` and `-`; else raise `InvalidFunction`."""
    try:
        validate_job_id(job_id)  # type: ignore[arg-type]
    # rq shows it in its own error, which of a value that is no text may raise anything.
    except Exception:
        raise InvalidFunction(
            named(job_id), "its job_id is not one that RQ allows", "use letters, digits, _ and - only"
        ) from None
    if not isinstance(job_id, str) or len(job_id) > LONGEST_JOB_ID:
        raise InvalidFunction(named(job_id), "its job_id is too long", f"use at most {LONGEST_JOB_ID} characters")
    return job_id


def jobs_of_dependency(given: object) -> tuple[list[object], bool, bool] | None:
    """Read rq's `Dependency`; None of anything else. -> its jobs, whether a failure will do, and if it jumps queues"""
    if not isinstance(given, Dependency):
        return None
    return list(given.dependencies), given.allow_failure, given.enqueue_at_front


def id_of_job(given: object) -> str | None:
    """The id of rq's `Job`; None of anything else."""
    return given.id if isinstance(given, Job) else None


def dependency_fields(ids: Sequence[str], *, allow_failure: bool) -> dict[str, str]:
    """What a job's hash says to RQ of the jobs on which it depends, by the names that fields have here."""
    told = {"dependency_id": ids[0], "dependency_ids": json.dumps(list(ids))}
    return {**told, "allow_dependency_failures": "1"} if allow_failure else told


def parse_timeout(job_id: str, job_timeout: Any) -> float | None:
    """Read rq's forms of a timeout: seconds, "90s", "5m", "1h"; None and -1 are no limit."""
    if job_timeout is None or (is_int(job_timeout) and job_timeout == -1):
        return None
    if not isinstance(job_timeout, str) and not is_real(job_timeout):
        raise _no_timeout(job_id, job_timeout)
    if not isinstance(job_timeout, str):
        return cast(float, job_timeout)
    try:
        seconds = rq.utils.parse_timeout(job_timeout)
    except (TimeoutFormatError, ValueError):
        raise _no_timeout(job_id, job_timeout) from None
    return None if seconds == -1 else seconds


def _no_timeout(job_id: str, job_timeout: object) -> InvalidFunction:
    return InvalidFunction(job_id, f"its job_timeout is {shown(job_timeout)}", 'give seconds, or text such as "5m"')


def _plain(text: str) -> str:
    """Write out the halves of characters, which UTF-8 does not carry."""
    return text.encode("utf-8", "backslashreplace").decode()


HOST_CLOCK = "host_clock"
"""What the clock of the agent's host showed when it registered; RQ's `birth` is what that of Redis did."""


def moment_of(text: str) -> datetime | None:
    """A moment as RQ writes it; None of what is none."""
    try:
        return rq.utils.str_to_date(text) if text else None
    except ValueError:
        return None


def worker_fields(hostname: str, pid: int) -> list[str | int]:
    """What RQ's worker hash says of an agent's process, beside what the register script writes: name, value, ..."""
    return [
        "hostname", hostname, "pid", pid, "version", VERSION, "python_version", sys.version,
        HOST_CLOCK, now_text(),
    ]  # fmt: skip


def fetch_job(job_id: str, connection: redis.Redis, serializer: SerializerLike) -> Job | None:
    """The `rq.job.Job` as Redis has it, None where it is gone."""
    try:
        return Job.fetch(job_id, connection=connection, serializer=serializer)
    except NoSuchJobError:
        return None


def enqueue_dependents(job_id: str, connection: redis.Redis) -> None:
    """Have RQ enqueue what has waited for a job that has ended, as its own worker does. May be asked again."""
    job = fetch_job(job_id, connection, Serializer)
    if job is not None:
        # What others keep with their jobs is left as it is: nothing of theirs is unpickled here.
        Queue(job.origin, connection=connection, serializer=Serializer).enqueue_dependents(job)


def utc_text(moment: datetime) -> str:
    """A moment as RQ writes it, which takes four times as long for it."""
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


def parse_call_arguments(texts: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Read a call's arguments as rq's command line does: `text`, `:json`, `%literal`, `key=text`, `key:=json`, `@file`.

    Raises what rq's parser raises: `click.ClickException`, and OSError or UnicodeError for a file; ValueError for what
    is too deep or too long.
    """
    # Imported here: it brings rq's whole command line, which no client needs.
    from rq.cli.helpers import parse_function_args

    try:
        args, kwargs = parse_function_args(texts)  # type: ignore[no-untyped-call]
    except (RecursionError, MemoryError) as error:
        raise ValueError("it is nested too deep") from error
    return args, kwargs
