"""A function that keeps the rules, with all that was read of it on the way: read once, and used by whoever comes after.

Pure: knows neither Redis nor nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, is_
from typing import NamedTuple

from handoff.words.argument import Taken, parse_argument
from handoff.words.code import Code, import_path
from handoff.words.constraints import Term, parse_where, pinned_to
from handoff.words.declared import with_declared
from handoff.words.fitting import check_call
from handoff.words.function import Collocated, Function, delay_ms, due_ms
from handoff.words.remembered import Remembered
from handoff.words.rules import (
    check_arguments,
    check_collocated,
    check_constants,
    check_fields,
    check_in_a_dag,
    check_inline,
    check_outside_a_dag,
    check_retried,
)
from handoff.words.variants import NO_COST, Variant, parse_variants


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A function, and what its fields say once they are read."""

    function: Function
    args: tuple[str | Taken, ...]
    path: str  #: by which a node imports its code
    variants: tuple[Variant, ...]  #: its own costs, else those of whoever submits it; an inline one costs nothing
    terms: tuple[Term, ...]  #: what must hold of its node, a pin included
    delay_ms: int  #: from its submission until it is ready
    due_ms: int  #: the unix time at which it is ready; 0: no such time
    #: the same object for those that say the same, but for their ids and the values that they are called with
    like: object | None = field(default=None, compare=False, repr=False)

    @property
    def id(self) -> str:
        """The user's."""
        return self.function.id

    @property
    def pin(self) -> str | None:
        """The only node that it may go to by itself: by its `node`, or because its `where` names no other."""
        return pinned_to(self.terms)


def check(function: Function, default_cost: Sequence[Variant] = NO_COST) -> Checked:
    """Read a function that is to be submitted on its own, outside a DAG. `default_cost` is for one that names none.

    Raises `InvalidFunction` for its code, arguments and options, `InvalidNode` for a pin, `InvalidResources` for its
    cost. Whether a node that fits exists is not asked.
    """
    function = with_declared(function)
    check_fields(function)
    check_outside_a_dag(function)
    check_retried(function)
    checked = _read(function, default_cost)
    check_call(function)
    return checked


_of_many = attrgetter(
    "node", "type", "argument_inclusion", "max_retries", "timeout", "priority", "duration", "strategy",
    "on_infeasible", "delay", "at", "wait_ttl", "unique", "unique_ttl", "isolation", "on_node_loss",
    "on_memory_exceeded", "retry_on", "dont_retry_on", "retry_after",
)  # fmt: skip
"""What many functions have in common, beside their code, their cost and where they may run."""


class _Like(NamedTuple):
    """What was read of functions that say the same."""

    said: tuple[object, ...]
    code: Code
    path: str
    variants: tuple[Variant, ...]
    terms: tuple[Term, ...]
    delay_ms: int
    due_ms: int


def check_in_dag(function: Function, default_cost: Sequence[Variant] = NO_COST) -> Checked:
    """Read a function of a DAG; raises as `check` does if it could be in none. What its `args` name is not asked."""
    checked = _read_in_dag(function, default_cost)
    check_constants(function)
    return checked


class Checks:
    """Reads functions as `check` and `check_in_dag` do, many of which say the same: that is read once."""

    def __init__(self, default_cost: Sequence[Variant] = NO_COST, most: int | None = None) -> None:
        """`most`: so many are remembered; None where they come to an end."""
        self._default_cost = tuple(default_cost)
        #: The last, by the identities of their code and of what they cost.
        self._last: Remembered[tuple[int, int], _Like] = Remembered(most)

    def check(self, function: Function) -> Checked:
        """Read one more, outside a DAG."""
        # One that names others is refused. Another type is not to be asked whether it is equal, nor empty.
        return self._read(function, check, can_be_like=type(function.args) is tuple and not function.args)

    def check_in_dag(self, function: Function) -> Checked:
        """Read one more of a DAG."""
        checked = self._read(function, _read_in_dag)
        check_constants(function)
        return checked

    def _read(
        self, function: Function, read: Callable[[Function, Sequence[Variant]], Checked], *, can_be_like: bool = True
    ) -> Checked:
        function = with_declared(function)
        variants = self._default_cost if function.cost is None else parse_variants(function.cost)
        # What a `where` says whoever has it can change.
        said = (*_of_many(function), function.where is None)
        like = self._last.get((id(function.code), id(variants)))
        # Not what is equal, as 1 and True are.
        if like is not None and can_be_like and all(map(is_, said, like.said)):
            check_arguments(function)
            terms = like.terms if function.where is None else _terms(function)
            if terms == like.terms and import_path(function.code, function_id=function.id) == like.path:
                if read is check:
                    check_call(function)
                return _checked(function, like)
        checked = read(function, variants)
        like = _Like(
            said, function.code, checked.path, checked.variants, checked.terms, checked.delay_ms, checked.due_ms
        )
        return _checked(function, self._last.keep((id(like.code), id(like.variants)), like))


def _checked(function: Function, like: _Like) -> Checked:
    return Checked(
        function=function, args=_arguments(function), path=like.path, variants=like.variants, terms=like.terms,
        delay_ms=like.delay_ms, due_ms=like.due_ms, like=like,
    )  # fmt: skip


def _read_in_dag(function: Function, default_cost: Sequence[Variant]) -> Checked:
    function = with_declared(function)
    check_fields(function)
    check_in_a_dag(function)
    check_collocated(function)
    return _read(function, default_cost)


def _terms(function: Function) -> tuple[Term, ...]:
    pin = None if isinstance(function.node, Collocated) else function.node
    return parse_where(function.where, pin, function_id=function.id)


def _read(function: Function, default_cost: Sequence[Variant]) -> Checked:
    terms = _terms(function)
    inline = function.type == "inline"
    variants = parse_variants(function.cost) if inline or function.cost is not None else tuple(default_cost)
    path = import_path(function.code, function_id=function.id)
    if inline:
        check_inline(function, has_cost=any(variant.cost for variant in variants))
    return Checked(
        function=function,
        args=_arguments(function),
        path=path,
        variants=variants,
        terms=terms,
        delay_ms=delay_ms(function),
        due_ms=due_ms(function),
    )


def _arguments(function: Function) -> tuple[str | Taken, ...]:
    return tuple(parse_argument(argument, function_id=function.id) for argument in function.args)
