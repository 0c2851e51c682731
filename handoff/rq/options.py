"""rq's options of a call in the words of `Cluster.enqueue`, and what of rq's has no meaning here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rq.job import Dependency, Retry
from rq.queue import EnqueueArgs, EnqueueData, Queue

from handoff.client.call import check_keywords, meant_by
from handoff.client.depending import read_depends_on
from handoff.errors import InvalidFunction, shown
from handoff.ledger.rqmodel import parse_timeout
from handoff.serializer import PickleSerializer, Serializer, SerializerLike, resolve
from handoff.words.code import Code
from handoff.words.rules import HIGHEST_PRIORITY

OURS = ("cost", "node", "where", "priority", "retry_on", "dont_retry_on", "on_memory_exceeded")
"""What a call asks for beside rq's own options."""

_RQS = frozenset({"job_timeout", *EnqueueArgs._fields} - {"func", "timeout", "args", "kwargs"})
"""rq's own, as keywords of `enqueue`."""

NO_MEANING = {
    "repeat": "a function runs once here: queue.cluster.every(name, seconds, f) submits it again and again",
    "on_stopped": "a function that is stopped counts as canceled here, and calls nothing: look at its status",
    "rate_limit": "cluster.share limits how many run at once, and nothing limits how many start in a second",
    "webhooks": "nothing calls a web address here: let on_success and on_failure do it",
    "pipeline": "a submit is one script, which no pipeline can hold: enqueue_many takes many in one round trip",
    "group_id": "rq's groups stand beside its queues: a handoff.DAG is a group that is waited for as one",
}
"""Options of rq, and what to do without them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One call, and what is asked for beside what `prepare_data` describes."""

    data: EnqueueData
    unique: bool = False
    ours: Mapping[str, Any] = field(default_factory=dict)  #: of `OURS`


class NoMeaning(InvalidFunction):
    """An option of rq that means nothing here; the sentence says what does."""


def check_meaning(id: str, given: Mapping[str, Any]) -> None:
    """Raise `NoMeaning` for the first that is given."""
    for name, instead in NO_MEANING.items():
        if given.get(name) is not None:
            raise NoMeaning(id, f"rq's {name} has no meaning here", instead)


def read_call(function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Asked:
    """Tell rq's options, ours, and the function's own keywords apart.

    Raises what rq raises, `NoMeaning`, and `InvalidFunction` for what is neither.
    """
    ours = {name: value for name, value in kwargs.items() if name in OURS}
    rest = {name: value for name, value in kwargs.items() if name not in OURS}
    if "args" in rest or "kwargs" in rest:
        check_options(named(function), rest.keys() - {"args", "kwargs"})
    else:
        check_arguments(function, {name: value for name, value in rest.items() if name not in _RQS})
    read = Queue.parse_args(function, *args, **rest)
    check_meaning(read.job_id or named(function), {"rate_limit": read.rate_limit, "pipeline": read.pipeline})
    if read.unique and read.job_id is None:
        raise ValueError("unique=True requires an explicit job_id")
    filters = [name for name in ("retry_on", "dont_retry_on") if ours.get(name) is not None]
    if filters and read.retry is None:
        what = f"its {filters[0]} says after what it is tried again, and it is not"
        raise InvalidFunction(read.job_id or named(function), what, "give it retry=Retry(max=...)")
    return Asked(EnqueueData(**{name: getattr(read, name) for name in EnqueueData._fields}), read.unique, ours)


def check_options(id: str, given: Iterable[str]) -> None:
    """Raise `InvalidFunction` for one that is neither rq's nor ours: rq leaves some out without a word."""
    if unknown := sorted(set(given) - _RQS - {"timeout", *OURS}):
        advice = f"{meant_by(unknown[0], _options())}, or put it into kwargs= where it is meant for the function"
        raise InvalidFunction(id, f"{unknown[0]}= is no option of enqueue", advice)


def check_arguments(function: Any, given: Mapping[str, Any]) -> None:
    """Raise `InvalidFunction` for a keyword that a function does not take which is given itself."""
    check_keywords(named(function), function, given, _options)


def _options() -> list[str]:
    return sorted({*_RQS, *OURS})


def named(function: Any) -> str:
    """A function in a sentence about it."""
    return function if isinstance(function, str) else getattr(function, "__qualname__", type(function).__name__)


def code_of(function: Any) -> Code:
    """What rq calls by `package.module.name`, as Handoff names it."""
    if isinstance(function, str) and ":" not in function:
        module, dot, name = function.rpartition(".")
        return f"{module}:{name}" if dot else function
    code: Code = function
    return code


def serializer_of(given: str | SerializerLike | None) -> SerializerLike:
    """rq's names of one: pickle where that is asked for, else msgpack. Raises `InvalidFunction` for any other."""
    if given is None:
        return Serializer
    name = given if isinstance(given, str) else getattr(given, "__name__", "")
    if name.rpartition(".")[2] in ("pickle", "DefaultSerializer", "PickleSerializer"):
        return PickleSerializer
    return resolve(given)


def seconds(id: str, name: str, given: Any) -> int | None:
    """rq's forms of seconds, `90`, `"5m"`; None where nothing is said, -1 for ever. Raises `InvalidFunction`."""
    if given is None or (isinstance(given, int) and not isinstance(given, bool)):
        return given
    read = parse_timeout(id, given) if isinstance(given, str) else None
    if read is None or read != int(read):
        raise InvalidFunction(id, f"its {name} is {shown(given)}", 'give whole seconds, or text such as "5m"')
    return int(read)


def call_of(data: EnqueueData, id: str, default_timeout: int | str) -> dict[str, Any]:
    """One call as `Queue.prepare_data` describes it -> keywords of `Cluster.enqueue`."""
    check_meaning(id, data._asdict())
    ttl = seconds(id, "ttl", data.ttl)
    if ttl is not None and ttl <= 0:
        raise InvalidFunction(id, f"its ttl is {shown(data.ttl)}", "give seconds above 0, or None for no limit")
    options: dict[str, Any] = {
        "args": tuple(data.args or ()),
        "kwargs": dict(data.kwargs or {}),
        "timeout": parse_timeout(id, default_timeout if data.timeout is None else data.timeout),
        "failure_ttl": seconds(id, "failure_ttl", data.failure_ttl),
        "description": data.description,
        "depends_on": data.depends_on,
        "meta": data.meta,
        "on_success": data.on_success,
        "on_failure": data.on_failure,
        "wait_ttl": ttl,
        **_retried(id, data.retry),
    }
    if data.result_ttl is not None:
        options["result_ttl"] = seconds(id, "result_ttl", data.result_ttl)
    if data.at_front:
        options["priority"] = HIGHEST_PRIORITY
    return options


def without(id: str, depends_on: Any, gone: str) -> Dependency | None:
    """The same without one that is gone, which rq counts as one that has ended."""
    found = read_depends_on(id, depends_on)
    left = [each for each in found.ids if each != gone] if found else []
    return Dependency(left, allow_failure=found.allow_failure) if found and left else None


def _retried(id: str, retry: Retry | None) -> dict[str, Any]:
    if retry is None:
        return {}
    if not isinstance(retry, Retry):
        raise InvalidFunction(id, f"its retry is {shown(retry)}", "give rq's Retry(max=..., interval=...)")
    if retry.enqueue_at_front:
        raise NoMeaning(
            id, "rq's Retry(enqueue_at_front=) has no meaning here", "a retry keeps its place: leave it out"
        )
    return {"max_retries": retry.max, "retry_after": list(retry.intervals) or 0}


DEFAULT_TIMEOUT: int = Queue.DEFAULT_TIMEOUT
"""Seconds of an attempt where neither the call nor the queue says: rq's 180."""
