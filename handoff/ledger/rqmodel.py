"""RQ's data model as Handoff writes and reads it; with the worker side's room `inside`, all that imports rq.

A function is one RQ job: rq's own tools see it, and what they write is honoured by the scripts.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import redis
import rq.utils
from rq.callbacks import Callback
from rq.defaults import CALLBACK_TIMEOUT
from rq.defaults import DEFAULT_FAILURE_TTL as DEFAULT_FAILURE_TTL
from rq.defaults import DEFAULT_RESULT_TTL as DEFAULT_RESULT_TTL
from rq.defaults import RQ_KEY_PREFIX as RQ_KEY_PREFIX
from rq.exceptions import NoSuchJobError, TimeoutFormatError
from rq.job import Job, validate_job_id
from rq.version import VERSION

from handoff.errors import InvalidFunction
from handoff.serializer import SerializerLike
from handoff.words.code import import_path

CallbackLike = Callback | Callable[..., Any] | str


def job_fields(
    *,
    data: bytes,
    description: str,
    timeout: int,
    result_ttl: int,
    failure_ttl: int,
    meta: bytes | None,
    on_success: CallbackLike | None,
    on_failure: CallbackLike | None,
) -> list[str | bytes | int]:
    """Lay out what the client decides of a job's hash as RQ would read it back: name, value, ...

    `data` is the serialized call. Times are in seconds, -1 = for ever. Empty fields are not written.
    """
    flat: list[str | bytes | int] = [
        "created_at", utc_text(datetime.now(UTC)),
        "data", zlib.compress(data, 1 if len(data) > 1_000_000 else -1),
        "description", description,
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


def describe_call(func_name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """RQ's own description of a call, cut as RQ cuts it."""
    return str(rq.utils.get_call_string(func_name, args, dict(kwargs), max_length=75))


def check_callback(job_id: str, callback: CallbackLike | None) -> None:
    """Raise `InvalidFunction` for a callable that a node could not import. Text is rq's, and not looked at."""
    code = callback.func if isinstance(callback, Callback) else callback
    if callable(code):
        import_path(code, function_id=job_id)


def check_job_id(job_id: str) -> str:
    """Return `job_id` if RQ allows it: letters, digits, `_` and `-`; else raise `InvalidFunction`."""
    try:
        validate_job_id(job_id)
    except (TypeError, ValueError):
        raise InvalidFunction(
            str(job_id), "its job_id is not one that RQ allows", "use letters, digits, _ and - only"
        ) from None
    return job_id


def parse_timeout(job_id: str, job_timeout: Any) -> float | None:
    """Read rq's forms of a timeout: seconds, "90s", "5m", "1h"; None and -1 are no limit."""
    try:
        seconds = rq.utils.parse_timeout(job_timeout)
    except (TimeoutFormatError, TypeError):
        raise InvalidFunction(
            job_id, f"its job_timeout is {job_timeout!r}", 'give seconds, or text such as "5m"'
        ) from None
    return None if seconds is None or seconds == -1 else seconds


def worker_fields(hostname: str, pid: int) -> list[str | int]:
    """What RQ's worker hash says of an agent's process, beside what the register script writes: name, value, ..."""
    return ["hostname", hostname, "pid", pid, "version", VERSION, "python_version", sys.version]


def fetch_job(job_id: str, connection: redis.Redis, serializer: SerializerLike) -> Job | None:
    """The `rq.job.Job` as Redis has it, None where it is gone."""
    try:
        return Job.fetch(job_id, connection=connection, serializer=serializer)
    except NoSuchJobError:
        return None


def utc_text(moment: datetime) -> str:
    """A moment as RQ writes it."""
    return rq.utils.utcformat(moment.astimezone(UTC))


def parse_call_arguments(texts: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Read a call's arguments as rq's command line does: `text`, `:json`, `%literal`, `key=text`, `key:=json`, `@file`.

    Raises what rq's parser raises: `click.ClickException`, and OSError or UnicodeError for a file.
    """
    # Imported here: it brings rq's whole command line, which no client needs.
    from rq.cli.helpers import parse_function_args

    args, kwargs = parse_function_args(texts)  # type: ignore[no-untyped-call]
    return args, kwargs
