"""RQ's data model as Handoff writes and reads it; with the worker side's `execution`, all that imports rq.

A function is one RQ job: rq's own tools see it, and what they write is honoured by the scripts.
"""

from __future__ import annotations

import sys
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

TERMINAL = frozenset({"finished", "failed", "stopped", "canceled"})
"""RQ's statuses after which nothing more happens by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFields:
    """What the client decides of a job's hash; times in seconds, -1 = for ever."""

    data: bytes  #: the serialized call
    description: str
    timeout: int
    result_ttl: int = DEFAULT_RESULT_TTL
    failure_ttl: int | None = None
    meta: bytes | None = None
    on_success: CallbackLike | None = None
    on_failure: CallbackLike | None = None


def job_fields(fields: JobFields) -> list[str | bytes | int]:
    """Lay a job's hash out as RQ would read it back: name, value, ... Empty fields are not written."""
    failure_ttl = DEFAULT_FAILURE_TTL if fields.failure_ttl is None else fields.failure_ttl
    flat: list[str | bytes | int] = [
        "created_at", utc_text(datetime.now(UTC)),
        "data", zlib.compress(fields.data, 1 if len(fields.data) > 1_000_000 else -1),
        "description", fields.description,
        # rq's `requeue` gives a job that has no timeout at all one of 180 s; -1 is its word for no limit.
        "timeout", fields.timeout,
        "result_ttl", fields.result_ttl,
        "failure_ttl", failure_ttl,
    ]  # fmt: skip
    if fields.meta is not None:
        flat += ["meta", fields.meta]
    for name, callback in (("success", fields.on_success), ("failure", fields.on_failure)):
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


def encode_value(serialized: bytes) -> str:
    """A serialized return value as the text that RQ keeps in a result entry."""
    return b64encode(serialized).decode()


def decode_value(entry: Mapping[bytes, bytes], serializer: SerializerLike) -> Any:
    """The return value of a result entry; RQ leaves None out."""
    text = entry.get(b"return_value")
    return None if text is None else serializer.loads(b64decode(text))


def encode_traceback(text: str) -> str:
    """A traceback as RQ keeps it. Lua cannot compress, so callers send it ready."""
    return b64encode(zlib.compress(text.encode("utf-8", "replace"))).decode()


def decode_traceback(entry: Mapping[bytes, bytes]) -> str:
    """The traceback of a result entry, '' where there is none."""
    text = entry.get(b"exc_string")
    return "" if not text else zlib.decompress(b64decode(text)).decode()


def utc_text(moment: datetime) -> str:
    """A moment as RQ writes it."""
    return rq.utils.utcformat(moment.astimezone(UTC))


LOST_TEXT = encode_traceback("handoff.errors.NodeLost: the node went away while it ran this function")
"""What RQ's tools show of a function that was lost with its node."""

ENDING_TEXTS = {
    "lost_text": LOST_TEXT,
    "expired_text": encode_traceback("handoff.errors.WaitExpired: it waited longer than its wait_ttl"),
    "unfit_text": encode_traceback("handoff.errors.Infeasible: no live node could hold it even when idle"),
}
"""What RQ's tools show of functions that end by nobody's code, by the arguments of the script that ends them."""


def parse_call_arguments(texts: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Read a call's arguments as rq's command line does: `text`, `:json`, `%literal`, `key=text`, `key:=json`, `@file`.

    Raises what rq's parser raises: `click.ClickException`, and OSError or UnicodeError for a file.
    """
    # Imported here: it brings rq's whole command line, which no client needs.
    from rq.cli.helpers import parse_function_args

    args, kwargs = parse_function_args(texts)  # type: ignore[no-untyped-call]
    return args, kwargs
