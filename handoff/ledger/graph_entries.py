"""A plan as entries for the load script, in the order in which it needs them."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product
from typing import Any

import msgpack

from handoff.books.groups import MOST_OPTIONS
from handoff.errors import NotSerializable, shown
from handoff.graph.plan import Group, Plan, Step
from handoff.ledger.jobs import InGraph, Job, JobKind, JobKinds, costs_of, make_job
from handoff.ledger.rqmodel import now_text
from handoff.ledger.run_options import RunOptions
from handoff.ledger.slices import PER_WEIGHT, Weighed
from handoff.ledger.texts.demand import write_costs
from handoff.ledger.texts.entries import Value, write_entry
from handoff.ledger.texts.number_list import write_numbers
from handoff.ledger.texts.run_id import run_job_id, run_token
from handoff.ledger.texts.submission import Kind, write_kind
from handoff.ledger.texts.terms import capacity_term, write_terms
from handoff.serializer import SerializerLike, dumps_arguments, dumps_value
from handoff.words.function import Strategy
from handoff.words.resources import UNIT, Units
from handoff.words.times import milliseconds
from handoff.words.variants import costs_at_once

_NUMBERS = 512
"""Dependencies of one entry; Lua unpacks at most 8,000 values."""

_PIECE = 2**16


class EntryWriter:
    """Writes the entries of one run. `strategy` is for functions that name none, `preferred` by their ids."""

    def __init__(
        self,
        run: str,
        options: RunOptions,
        serializer: SerializerLike,
        strategy: Strategy,
        preferred: Mapping[str, str],
    ) -> None:
        self._run, self._options, self._serializer = run, options, serializer
        self._strategy, self._preferred = strategy, preferred
        self._created_at = now_text()
        #: By the node that is preferred, which is said among the options.
        self._kinds: defaultdict[str, JobKinds] = defaultdict(JobKinds)
        self._written: dict[tuple[object, ...], tuple[JobKind, Kind]] = {}  #: by its identity and the fields beside it
        self._inputs: dict[int, bytes] = {}  #: serialized, by the identity of what functions have in common
        self._token: Units = {} if options.max_concurrency is None else {run_token(run): UNIT}

    def entries(self, plan: Plan) -> Iterator[Weighed]:
        """All of it. Raises `NotSerializable` and `TooLarge`."""
        options = self._options
        yield _entry(
            "run", 0,
            "total", len(plan.steps),
            "fail_fast", int(options.fail_fast),
            "limit", options.max_concurrency or 0,
            "timeout_ms", 0 if options.timeout is None else milliseconds(options.timeout),
            "result_ttl", options.keeping.result_ttl,
            "failure_ttl", options.keeping.failure_ttl,
        )  # fmt: skip
        structure = zlib.compress(msgpack.packb(plan.structure), 1)
        for first in range(0, len(structure), _PIECE):
            piece = structure[first : first + _PIECE]
            yield _entry("graph", 0, piece, weight=0.25 + len(piece) / PER_WEIGHT)
        yield _next(plan, 0, plan.roots)
        for group in plan.groups:
            yield _group(group)
        for step in plan.steps:
            yield self._job(step)
            for first in range(0, len(step.takes), _NUMBERS):
                numbers = step.takes[first : first + _NUMBERS]
                yield _entry("takes", step.number, *numbers, weight=0.25 + len(numbers) / 32)
            if step.followers:
                yield _next(plan, step.number, step.followers)
        if options.reserve == "whole":
            yield from self._claims(plan)

    def _kind(self, job: Job) -> Kind:
        """What it has in common with others, written once: the same object for all of them."""
        like = (id(job.kind), *job.own)
        found = self._written.get(like)
        if found is None:
            kind = job.kind
            written = write_kind(
                kind.demand, kind.options, kind.priority, "", kind.refuse, kind.delay_ms, kind.due_ms,
                job.own, job.common,
            )  # fmt: skip
            found = self._written[like] = kind, written
        return found[1]

    def _job(self, step: Step) -> Weighed:
        prefer = self._preferred.get(step.function.id, "")
        job = make_job(
            step.checked,
            run_job_id(self._run, step.number),
            serializer=self._serializer,
            strategy=self._strategy,
            max_retries=self._options.max_retries,
            on_node_loss=self._options.on_node_loss,
            on_memory_exceeded=self._options.on_memory_exceeded,
            keeping=self._options.keeping,
            graph=InGraph(
                inputs=self._inputs_of(step),
                takes=step.takes,
                forms=step.forms,
                prefer=prefer,
                token=self._token,
            ),
            created_at=self._created_at,
            kinds=self._kinds[prefer],
        )
        # Roots follow from a number that nobody has, so that all become ready in the same way.
        values = write_entry(
            "job", step.number, 0, step.place, len(step.takes) or 1, step.group or "", *job.own.values()
        )
        return Weighed(1 + job.size / PER_WEIGHT, values, self._kind(job))

    def _inputs_of(self, step: Step) -> bytes | None:
        if step.inputs is None:
            return None
        key = id(step.inputs)
        if key not in self._inputs:
            self._inputs[key] = _dump_inputs(step.function.id, step.inputs, self._serializer)
        return self._inputs[key]

    def _claims(self, plan: Plan) -> Iterator[Weighed]:
        """What goes to one node each; pinned ones first, for they have no choice."""
        together: dict[object, list[Step]] = {}
        for step in sorted(plan.steps, key=lambda step: (step.pin is None, step.place)):
            together.setdefault(("group", step.group) if step.group else step.number, []).append(step)
        for steps in together.values():
            terms = {term for step in steps for term in step.checked.terms}
            # The n-th costs of all of them are one option, so each says its part of every combination.
            choices = (costs_at_once(costs_of(step.checked, self._token)) for step in steps)
            options = list(islice(product(*choices), MOST_OPTIONS))
            claims: list[Value] = []
            for i, step in enumerate(steps):
                claims += [step.number, write_costs(option[i] for option in options)]
            strategy = steps[0].function.strategy or self._strategy
            yield _entry("claim", steps[0].number, strategy, write_terms(terms), *claims, weight=2.5 * len(steps))


def _dump_inputs(function_id: str, inputs: dict[str, Any], serializer: SerializerLike) -> bytes:
    try:
        return dumps_value(serializer, inputs, "what it takes")
    except NotSerializable as error:
        for id, path, _, _, extra, kwargs in inputs["inlines"]:
            dumps_arguments(serializer, path, extra, kwargs, function_id=id)
        raise NotSerializable(f"a constant in an Argument of function {shown(function_id)}", error.type) from error


def _group(group: Group) -> Weighed:
    members = write_numbers(group.members)
    terms = write_terms([*group.terms, capacity_term(group.need)])
    return _entry("group", group.number, members, terms, weight=0.25 + len(members) / PER_WEIGHT)


def _next(plan: Plan, number: int, followers: Iterable[int]) -> Weighed:
    """The script goes through them in this order, a few at a time: who is to start first comes first."""
    listed = write_numbers(sorted(followers, key=lambda number: plan.steps[number - 1].place))
    return _entry("next", number, listed, weight=0.25 + len(listed) / PER_WEIGHT)


def _entry(kind: str, number: int, *values: Value, weight: float = 0.25) -> Weighed:
    return Weighed(weight, write_entry(kind, number, *values))
