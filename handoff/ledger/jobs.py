"""The job of one function, as the scripts take it: of one that is submitted by itself, and of one in a graph."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handoff.errors import InvalidFunction, NotSerializable, TooLarge, shown
from handoff.ledger.fields import FIELDS
from handoff.ledger.rqmodel import (
    DEFAULT_FAILURE_TTL,
    DEFAULT_RESULT_TTL,
    CallbackLike,
    call_fields,
    dependency_fields,
    describe_call,
    job_fields,
    now_text,
)
from handoff.ledger.texts.cost import with_slot
from handoff.ledger.texts.demand import write_demand
from handoff.ledger.texts.entries import Value
from handoff.ledger.texts.list import write_list
from handoff.ledger.texts.number_list import write_numbers
from handoff.ledger.texts.options import write_options
from handoff.serializer import PickleSerializer, Serializer, SerializerLike, dumps_arguments, dumps_value
from handoff.words.checked import Checked
from handoff.words.dependencies import Dependencies
from handoff.words.function import Function, OnMemoryExceeded, OnNodeLoss, Strategy
from handoff.words.remembered import Remembered
from handoff.words.resources import Units
from handoff.words.retrying import RetryOn, after_ms, exception_names
from handoff.words.times import milliseconds
from handoff.words.variants import Variant

LARGEST_ARGUMENTS = 8 * 2**20
"""Bytes of one serialized call; a 50 MB argument would hold the server for a quarter of a second."""

MOST_SENT = 16
"""Results that `take` sends along with a function; one that takes more has its child read them."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """What the job of a function may have in common with others."""

    demand: str
    options: str
    priority: int
    refuse: bool  #: where no live node could hold it
    delay_ms: int
    due_ms: int
    fields: tuple[Value, ...]  #: of its hash: name, value, ...


@dataclass(frozen=True, slots=True)
class Job:
    """One function, checked and serialized."""

    kind: JobKind
    created_at: str
    own: dict[str, Value]  #: of its hash what it has for itself, by name
    size: int  #: bytes of its call, and of what its child is told beside it

    @property
    def common(self) -> tuple[Value, ...]:
        """Of its hash what those of its kind that are submitted with it have in common: name, value, ..."""
        return (_CREATED_AT, self.created_at, *self.kind.fields)

    def fields(self) -> list[Value]:
        """All of its hash: name, value, ..."""
        return [*_flat(self.own), *self.common]


_CREATED_AT = FIELDS["created_at"].name


class JobKinds:
    """Kinds of jobs: what many have in common is written once, and is the same object."""

    def __init__(self, most: int | None = None) -> None:
        """`most`: so many are remembered; None where they come to an end."""
        self._found: Remembered[tuple[int, bool], tuple[object, JobKind]] = Remembered(most)
        self._kinds: Remembered[JobKind, JobKind] = Remembered(most)

    def find(self, checked: Checked, *, is_called_alike: bool) -> JobKind | None:
        """Find that of one that says the same, and whose call is among what they have in common, or is not."""
        found = self._found.get((id(checked.like), is_called_alike))
        return None if found is None else found[1]

    def keep(self, checked: Checked, kind: JobKind, *, is_called_alike: bool) -> JobKind:
        """Keep it for others. -> one that is equal"""
        kind = self._kinds.get(kind) or self._kinds.keep(kind, kind)
        if checked.like is not None:
            self._found.keep((id(checked.like), is_called_alike), (checked.like, kind))
        return kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """For how long it is kept after its end, in seconds: 0 = not at all, -1 = for ever."""

    result_ttl: int = DEFAULT_RESULT_TTL  #: after a success
    failure_ttl: int = DEFAULT_FAILURE_TTL  #: after any other end


AS_RQ = Keeping()
"""As RQ keeps jobs of which nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InGraph:
    """What one has of its graph beside itself."""

    inputs: bytes | None  #: how its arguments are made of results, serialized; None: of none
    takes: Sequence[int]  #: numbers of those whose results it needs
    forms: Sequence[list[Any]]  #: what others ask to be made of its result
    prefer: str  #: a node to be tried first, or ''
    token: Units  #: what it takes beside, of its run


def pickled_or_plain(serializer: SerializerLike) -> SerializerLike:
    """Check that agents can read what `serializer` writes: only the two that they know."""
    if serializer is not Serializer and serializer is not PickleSerializer:
        raise InvalidFunction(
            "*", f"agents cannot read what {shown(serializer)} writes", 'use the default, or serializer="pickle"'
        )
    return serializer


def make_job(
    checked: Checked,
    job_id: str,
    *,
    serializer: SerializerLike,
    strategy: Strategy,
    max_retries: int,
    keeping: Keeping,
    graph: InGraph | None = None,
    description: str | None = None,
    meta: Mapping[str, Any] | None = None,
    on_node_loss: OnNodeLoss = "retry",
    on_memory_exceeded: OnMemoryExceeded = "fail",
    on_success: CallbackLike | None = None,
    on_failure: CallbackLike | None = None,
    depends: Dependencies | None = None,
    created_at: str | None = None,
    kinds: JobKinds | None = None,
) -> Job:
    """Write the job of a function, which was `created_at` that moment (None: now).

    `strategy`, `max_retries`, `on_node_loss` and `on_memory_exceeded` are for one that names none. `kinds` are those of
    jobs that are all written with the same options. Raises `NotSerializable` and `TooLarge`.
    """
    function = checked.function
    is_bare = not function.extra_args and not function.kwargs
    # In a graph the call is described with the function's id.
    is_called_alike = is_bare and graph is None and description is None
    # Its delay begins when it is ready.
    is_late = graph is not None or depends is not None
    data, call = _call(checked, serializer, description, is_bare=is_bare)
    own: dict[str, Value] = {} if function.id == job_id else {FIELDS["function"].name: function.id}
    size = len(data)
    if graph is not None:
        call = f"{function.id}: {call}"
        told = _told_to_its_child(function.id, graph, serializer)
        size += len(told.get("inputs", b""))
        own |= _named(told)
    if size > LARGEST_ARGUMENTS:
        raise TooLarge(function.id, size, LARGEST_ARGUMENTS)
    if not is_called_alike:
        own |= call_fields(data, call)
    if function.unique is not None:
        own[FIELDS["unique"].name] = function.unique
    if depends is not None:
        told_to_rq = dependency_fields(depends.ids, allow_failure=depends.allow_failure)
        own |= _named({"depends": write_list(depends.ids), **told_to_rq})
    kind = None if kinds is None else kinds.find(checked, is_called_alike=is_called_alike)
    if kind is None:
        fields = job_fields(
            timeout=-1 if function.timeout is None else max(1, math.ceil(function.timeout)),
            result_ttl=_result_ttl(function, keeping),
            failure_ttl=keeping.failure_ttl,
            meta=dumps_value(serializer, dict(meta), "meta") if meta else None,
            on_success=on_success,
            on_failure=on_failure,
        )
        called = _flat(call_fields(data, call)) if is_called_alike else ()
        kind = JobKind(
            demand=write_demand(costs_of(checked, graph.token if graph else {}), checked.terms),
            options=_options(
                checked, strategy, on_node_loss, on_memory_exceeded, depends, is_late, graph.prefer if graph else ""
            ),
            priority=int(function.priority),
            refuse=function.on_infeasible == "raise",
            delay_ms=checked.delay_ms,
            due_ms=checked.due_ms,
            fields=(*called, *fields, *_ours(checked, serializer, max_retries)),
        )
        kind = kind if kinds is None else kinds.keep(checked, kind, is_called_alike=is_called_alike)
    return Job(kind, created_at or now_text(), own, size)


def _call(checked: Checked, serializer: SerializerLike, description: str | None, *, is_bare: bool) -> tuple[bytes, str]:
    """Serialize a call. -> how it is described, too"""
    function, path = checked.function, checked.path
    if is_bare:
        data, call = _bare_call(path, is_pickled=serializer is PickleSerializer)
        return data, call if description is None else description
    args, kwargs = tuple(function.extra_args), dict(function.kwargs)
    data = dumps_arguments(serializer, path, args, kwargs, function_id=function.id)
    return data, describe_call(path, args, kwargs) if description is None else description


def _ours(checked: Checked, serializer: SerializerLike, max_retries: int) -> list[Value]:
    retries = checked.function.max_retries
    ours: dict[str, Value] = {
        "retries": int(max_retries if retries is None else retries),
        "code": checked.path,
        "serializer": "pickle" if serializer is PickleSerializer else "",
    }
    return _flat(_named(ours))


def _named(fields: Mapping[str, Value]) -> dict[str, Value]:
    """Those that say anything, by their names in the hash."""
    return {FIELDS[field].name: value for field, value in fields.items() if value}


def _flat(fields: Mapping[str, Value]) -> list[Value]:
    return [part for field in fields.items() for part in field]


@functools.lru_cache(maxsize=256)
def _bare_call(path: str, *, is_pickled: bool) -> tuple[bytes, str]:
    """A call without arguments: its bytes, and how it is described."""
    serializer: SerializerLike = PickleSerializer if is_pickled else Serializer
    return dumps_arguments(serializer, path, (), {}), describe_call(path, (), {})


def costs_of(checked: Checked, token: Units) -> list[Variant]:
    """All that a function may take, with its slot and a token of its run."""
    return [Variant(variant.after_ms, with_slot({**variant.cost, **token})) for variant in checked.variants]


def _options(
    checked: Checked,
    strategy: Strategy,
    on_node_loss: OnNodeLoss,
    on_memory_exceeded: OnMemoryExceeded,
    depends: Dependencies | None,
    is_late: bool,
    prefer: str,
) -> str:
    function = checked.function
    unfit_ms = 0 if isinstance(function.on_infeasible, str) else milliseconds(function.on_infeasible)
    wait_ms = 0 if function.wait_ttl is None else milliseconds(function.wait_ttl)
    kept_ms = 0 if function.unique_ttl is None else milliseconds(function.unique_ttl)
    return write_options(
        unfit_ms=unfit_ms, wait_ms=wait_ms, unique_ms=None if function.unique is None else kept_ms,
        strategy=function.strategy or strategy, isolation=function.isolation,
        on_node_loss=function.on_node_loss or on_node_loss,
        on_memory_exceeded=function.on_memory_exceeded or on_memory_exceeded, due_ms=checked.due_ms,
        allow_failure=depends.allow_failure if depends else None, delay_ms=checked.delay_ms if is_late else 0,
        prefer=prefer, only=_names(function.retry_on), never=_names(function.dont_retry_on),
        after_ms=after_ms(function.retry_after),
    )  # fmt: skip


def _names(given: RetryOn | None) -> list[str]:
    return [] if given is None else exception_names(given)


def _result_ttl(function: Function, keeping: Keeping) -> int:
    """While it still has its key, whoever comes is given its handle: so long there is a result."""
    if keeping.result_ttl < 0:
        return keeping.result_ttl
    return max(keeping.result_ttl, math.ceil(function.unique_ttl or 0) if function.unique is not None else 0)


def _told_to_its_child(function_id: str, graph: InGraph, serializer: SerializerLike) -> dict[str, str | bytes]:
    told: dict[str, str | bytes] = {}
    if graph.inputs is not None:
        told["inputs"] = graph.inputs
        told["takes"] = write_numbers(graph.takes) if len(graph.takes) <= MOST_SENT else "*"
    if graph.forms:
        told["forms"] = _dump_forms(function_id, graph.forms, serializer)
    return told


def _dump_forms(function_id: str, forms: Sequence[list[Any]], serializer: SerializerLike) -> bytes:
    try:
        return dumps_value(serializer, list(forms), "what others take of it")
    except NotSerializable as error:
        raise NotSerializable(f"a constant in an Argument({shown(function_id)})", error.type) from error
