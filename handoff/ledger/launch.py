"""Submitting a graph: its plan as slices for the load script, none of which holds Redis for long."""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from math import ceil
from typing import Any, Literal

import msgpack

from handoff.books.groups import MOST_OPTIONS
from handoff.errors import (
    DuplicateRun,
    Infeasible,
    NotSerializable,
    ResourcesUnavailable,
    StoreUnavailable,
    TooLarge,
)
from handoff.graph.plan import Group, Plan, Step
from handoff.ledger.functions import LARGEST_ARGUMENTS
from handoff.ledger.reason import nearest_text
from handoff.ledger.rqmodel import (
    DEFAULT_FAILURE_TTL,
    DEFAULT_RESULT_TTL,
    LOST_TEXT,
    JobFields,
    describe_call,
    job_fields,
)
from handoff.ledger.store import Store, unlisted
from handoff.ledger.texts.options import ATTENDED_MS, milliseconds, options_text
from handoff.ledger.texts.shape import demand_text, parse_pairs, run_token, shape_text
from handoff.serializer import PickleSerializer, SerializerLike, dumps_arguments, dumps_value
from handoff.words.code import import_path
from handoff.words.constraints import constraints_text, parse_where
from handoff.words.function import Strategy, delay_ms, due_ms
from handoff.words.resources import UNIT
from handoff.words.values import is_wait
from handoff.words.variants import Variant, costs_at_once, parse_variants

SLICE = 64
"""Functions of one slice: 1 to 2 ms of the server's time."""

_PER_WEIGHT = 4096
"""Bytes that cost the server as much as a function."""

MOST_SENT = 16
"""Results that `take` sends along with a function; one that takes more has its child read them."""

_NUMBERS = 512
"""Dependencies of one entry; Lua unpacks at most 8,000 values."""

_PIECE = 2**16

Value = str | bytes | int

Entry = tuple[float, list[Value]]
"""`kind, number, count` and as many values, and what they cost the server beside what a function does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run behaves."""

    max_retries: int = 3  #: of functions that name none
    max_concurrency: int | None = None  #: functions on nodes at once
    timeout: float | None = None  #: seconds from its start to its end
    fail_fast: bool = True  #: the first failure stops the run
    reserve: Literal["ready", "whole"] = "ready"  #: each when it is ready, or all of them before any starts
    attached: bool = False  #: canceled when its client goes away
    result_ttl: int = DEFAULT_RESULT_TTL  #: seconds that all of it is kept after a success; -1 = for ever
    failure_ttl: int | None = None  #: the same after any other end; None: as rq keeps failures, a year

    def check(self) -> None:
        """Raise `ValueError` for the first option that breaks its rule."""
        if not _is_count(self.max_retries, 0):
            raise ValueError(f"max_retries is {self.max_retries!r}: give an int of at least 0")
        if self.max_concurrency is not None and not _is_count(self.max_concurrency, 1):
            raise ValueError(f"max_concurrency is {self.max_concurrency!r}: give an int of at least 1, or None")
        if self.timeout is not None and not is_wait(self.timeout):
            raise ValueError(f"timeout is {self.timeout!r}: give seconds above 0, or None for no limit")
        if self.reserve not in ("ready", "whole"):
            raise ValueError(f'reserve is {self.reserve!r}: choose "ready" or "whole"')
        if self.reserve == "whole" and self.max_concurrency is not None:
            raise ValueError(
                'max_concurrency is given, and reserve="whole" reserves for all functions at once: give one of them'
            )
        for name in ("result_ttl", "failure_ttl"):
            value = getattr(self, name)
            if not (name == "failure_ttl" and value is None) and not _is_count(value, -1):
                raise ValueError(f"{name} is {value!r}: give whole seconds, 0 to keep nothing, -1 for ever")


def launch(
    store: Store,
    plan: Plan,
    *,
    options: RunOptions,
    serializer: SerializerLike,
    strategy: Strategy,
    preferred: Mapping[str, str],
    default_cost: Sequence[Variant],
) -> str:
    """Load a graph and let it run. -> the name of this run of it

    `preferred` are nodes to be tried first, by the functions' ids. Raises `DuplicateRun`, `TooLarge`,
    `NotSerializable`; `Infeasible` where a function is not to wait; with reserve="whole" `ResourcesUnavailable`.
    Then nothing of it is left.
    """
    run = uuid.uuid4().hex
    writer = _Writer(run, options, serializer, strategy, preferred, default_cost)
    # All of it is made before any is sent: what cannot be serialized is found before anything is written.
    slices = list(_slices(writer.entries(plan)))
    for part, entries in enumerate(slices, 1):
        reply = store.run(
            "load",
            *entries,
            run=run,
            dag=plan.id,
            part=part,
            is_last=int(part == len(slices)),
            whole=int(options.reserve == "whole"),
            units=(options.max_concurrency or 0) * UNIT,
            lease_ms=ATTENDED_MS if options.attached else 0,
            lost_text=LOST_TEXT,
        )
        match reply:
            case ["loaded"] | ["running"]:
                continue
            case ["duplicate", bytes(state)]:
                raise DuplicateRun(plan.id, state.decode())
            case ["refused", bytes(number), bytes(nearest)]:
                step = plan.steps[int(number) - 1]
                raise Infeasible(step.function.id, nearest_text(nearest.decode(), step.pin))
            case ["short", _, bytes(pin), list(short)]:
                raise ResourcesUnavailable(pin.decode() or None, parse_pairs(short))
            case ["dropped"]:
                reason = (
                    "the graph was canceled while it was loaded, or more than a minute passed between two parts of it"
                )
                raise StoreUnavailable(store.address, reason)
            case _:
                raise unlisted("load", reply)
    return run


class _Writer:
    """Writes the entries of one run: `kind, number, count` and as many values each."""

    def __init__(
        self,
        run: str,
        options: RunOptions,
        serializer: SerializerLike,
        strategy: Strategy,
        preferred: Mapping[str, str],
        default_cost: Sequence[Variant],
    ) -> None:
        self._run, self._options, self._serializer, self._strategy = run, options, serializer, strategy
        self._preferred, self._default_cost = preferred, default_cost

    def entries(self, plan: Plan) -> Iterator[Entry]:
        """All of it, in the order in which the script needs it."""
        options = self._options
        failure_ttl = DEFAULT_FAILURE_TTL if options.failure_ttl is None else options.failure_ttl
        yield _entry(
            "run", 0,
            "total", len(plan.steps),
            "fail_fast", int(options.fail_fast),
            "limit", options.max_concurrency or 0,
            "timeout_ms", milliseconds(options.timeout) if options.timeout is not None else 0,
            "result_ttl", options.result_ttl,
            "failure_ttl", failure_ttl,
        )  # fmt: skip
        structure = zlib.compress(msgpack.packb(plan.structure), 1)
        for first in range(0, len(structure), _PIECE):
            piece = structure[first : first + _PIECE]
            yield _entry("graph", 0, piece, weight=0.25 + len(piece) / _PER_WEIGHT)
        yield self._next(plan, 0, plan.roots)
        for group in plan.groups:
            members = ",".join(map(str, group.members))
            yield _entry("group", group.number, members, _group_terms(group), weight=0.25 + len(members) / _PER_WEIGHT)
        for step in plan.steps:
            yield self._job(step, failure_ttl)
            for first in range(0, len(step.takes), _NUMBERS):
                numbers = step.takes[first : first + _NUMBERS]
                yield _entry("takes", step.number, *numbers, weight=0.25 + len(numbers) / 32)
            if step.followers:
                yield self._next(plan, step.number, step.followers)
        if options.reserve == "whole":
            yield from self._claims(plan)

    def _job(self, step: Step, failure_ttl: int) -> Entry:
        function = step.function
        name = import_path(function.code, function_id=function.id)
        args, kwargs = tuple(function.extra_args), dict(function.kwargs)
        data = dumps_arguments(self._serializer, name, args, kwargs, function_id=function.id)
        extra: list[Value] = ["h_function", function.id]
        size = len(data)
        if step.inputs is not None:
            inputs = self._dump_inputs(function.id, step.inputs)
            size += len(inputs)
            takes = ",".join(map(str, step.takes)) if len(step.takes) <= MOST_SENT else "*"
            extra += ["h_inputs", inputs, "h_takes", takes]
        if step.forms:
            extra += ["h_forms", self._dump_forms(function.id, list(step.forms))]
        if size > LARGEST_ARGUMENTS:
            raise TooLarge(function.id, size, LARGEST_ARGUMENTS)
        if retries := self._options.max_retries if function.max_retries is None else function.max_retries:
            extra += ["h_retries", int(retries)]
        if self._serializer is PickleSerializer:
            extra += ["h_serializer", "pickle"]
        return _entry(
            "job", step.number,
            demand_text(self._variants(step), parse_where(function.where, step.pin, function_id=function.id)),
            options_text(
                on_infeasible=function.on_infeasible, wait_ttl=function.wait_ttl,
                strategy=function.strategy or self._strategy, delay_ms=delay_ms(function), due_ms=due_ms(function),
                prefer=self._preferred.get(function.id, ""),
            ),
            int(function.priority),
            step.place,
            # Roots follow from a number that nobody has, so that all become ready in the same way.
            len(step.takes) or 1,
            step.group or "",
            int(function.on_infeasible == "raise"),
            *job_fields(
                JobFields(
                    data=data,
                    description=f"{function.id}: {describe_call(name, args, kwargs)}",
                    timeout=-1 if function.timeout is None else max(1, ceil(function.timeout)),
                    result_ttl=self._options.result_ttl,
                    failure_ttl=failure_ttl,
                )
            ),
            *extra,
            weight=1 + size / _PER_WEIGHT,
        )  # fmt: skip

    def _dump_inputs(self, function_id: str, inputs: dict[str, Any]) -> bytes:
        try:
            return dumps_value(self._serializer, inputs, "what it takes")
        except NotSerializable as error:
            for id, path, _, _, extra, kwargs in inputs["inlines"]:
                dumps_arguments(self._serializer, path, extra, kwargs, function_id=id)
            raise NotSerializable(f"a constant in an Argument of function {function_id!r}", error.type) from error

    def _dump_forms(self, function_id: str, forms: list[list[Any]]) -> bytes:
        try:
            return dumps_value(self._serializer, forms, "what others take of it")
        except NotSerializable as error:
            raise NotSerializable(f"a constant in an Argument({function_id!r})", error.type) from error

    def _variants(self, step: Step) -> list[Variant]:
        cost = step.function.cost
        variants = self._default_cost if cost is None else parse_variants(cost)
        if self._options.max_concurrency is None:
            return list(variants)
        token = {run_token(self._run): UNIT}
        return [replace(variant, cost={**variant.cost, **token}) for variant in variants]

    def _next(self, plan: Plan, number: int, followers: Iterable[int]) -> Entry:
        """The script goes through them in this order, a few at a time: who is to start first comes first."""
        listed = ",".join(map(str, sorted(followers, key=lambda number: plan.steps[number - 1].place)))
        return _entry("next", number, listed, weight=0.25 + len(listed) / _PER_WEIGHT)

    def _claims(self, plan: Plan) -> Iterator[Entry]:
        """What goes to one node each; pinned ones first, for they have no choice."""
        together: dict[object, list[Step]] = {}
        for step in sorted(plan.steps, key=lambda step: (step.pin is None, step.place)):
            together.setdefault(("group", step.group) if step.group else step.number, []).append(step)
        for steps in together.values():
            function = steps[0].function
            terms = {term for step in steps for term in parse_where(step.function.where, step.pin)}
            # The n-th costs of all of them are one option, so each says its part of every combination.
            options = list(islice(product(*(costs_at_once(self._variants(step)) for step in steps)), MOST_OPTIONS))
            claims: list[Value] = []
            for i, step in enumerate(steps):
                claims += [step.number, "&".join(shape_text(option[i], "") for option in options)]
            strategy = function.strategy or self._strategy
            terms_text = constraints_text(terms)
            yield _entry("claim", steps[0].number, strategy, terms_text, *claims, weight=2.5 * len(steps))


def _group_terms(group: Group) -> str:
    need = "|".join(f"{name}:{group.need[name]}" for name in sorted(group.need))
    return ";".join(filter(None, (constraints_text(group.terms), f"^={need}")))


def _entry(kind: str, number: int, *values: Value, weight: float = 0.25) -> Entry:
    return weight, [kind, number, len(values), *values]


def _slices(entries: Iterable[Entry]) -> Iterator[list[Value]]:
    """Cut them into calls by what they cost the server."""
    slice_: list[Value] = []
    cost = 0.0
    for weight, values in entries:
        if slice_ and cost + weight > SLICE:
            yield slice_
            slice_, cost = [], 0.0
        slice_ += values
        cost += weight
    yield slice_


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
