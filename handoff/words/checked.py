"""A function that keeps the rules, with all that was read of it on the way: read once, and used by whoever comes after.

Pure: knows neither Redis nor nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, is_

from handoff.words.argument import Taken, parse_argument
from handoff.words.code import import_path
from handoff.words.constraints import Term, parse_where, pinned_to
from handoff.words.declared import with_declared
from handoff.words.function import Collocated, Function, delay_ms, due_ms
from handoff.words.rules import (
    check_arguments,
    check_collocated,
    check_constants,
    check_fields,
    check_in_a_dag,
    check_inline,
    check_outside_a_dag,
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
    #: one that says the same, but for its id and the values that it is called with
    like: Checked | None = field(default=None, compare=False, repr=False)

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
    return _read(function, default_cost)


_of_many = attrgetter(
    "code", "node", "type", "argument_inclusion", "max_retries", "timeout", "priority", "duration", "strategy", "where",
    "on_infeasible", "delay", "at", "wait_ttl", "unique", "unique_ttl", "isolation", "on_node_loss",
)  # fmt: skip
"""What many functions of one list have in common, beside their cost."""


def check_in_dag(function: Function, default_cost: Sequence[Variant] = NO_COST) -> Checked:
    """Read a function of a DAG; raises as `check` does if it could be in none. What its `args` name is not asked."""
    function = with_declared(function)
    check_fields(function)
    check_in_a_dag(function)
    check_collocated(function)
    checked = _read(function, default_cost)
    check_constants(function)
    return checked


class Checks:
    """Reads functions as `check` and `check_in_dag` do, many of which say the same: that is read once."""

    def __init__(self, default_cost: Sequence[Variant] = NO_COST) -> None:
        self._default_cost = tuple(default_cost)
        self._last: dict[int, tuple[tuple[object, ...], Checked]] = {}  #: by the identity of what they cost

    def check(self, function: Function) -> Checked:
        """Read one more, outside a DAG."""
        # One that names others is refused. Another type is not to be asked whether it is equal, nor empty.
        return self._read(function, check, can_be_like=type(function.args) is tuple and not function.args)

    def check_in_dag(self, function: Function) -> Checked:
        """Read one more of a DAG."""
        checked = self._read(function, check_in_dag)
        if checked.like is not None:
            check_constants(function)
        return checked

    def _read(
        self, function: Function, read: Callable[[Function, Sequence[Variant]], Checked], *, can_be_like: bool = True
    ) -> Checked:
        function = with_declared(function)
        variants = self._default_cost if function.cost is None else parse_variants(function.cost)
        said, last = _of_many(function), self._last.get(id(variants))
        # Not what is equal, as 1 and True are.
        if last is None or not can_be_like or not all(map(is_, said, last[0])):
            checked = read(function, variants)
            self._last[id(checked.variants)] = said, checked
            return checked
        check_arguments(function)
        like = last[1]
        return Checked(
            function=function, args=_arguments(function), path=like.path, variants=variants, terms=like.terms,
            delay_ms=like.delay_ms, due_ms=like.due_ms, like=like,
        )  # fmt: skip


def _read(function: Function, default_cost: Sequence[Variant]) -> Checked:
    pin = None if isinstance(function.node, Collocated) else function.node
    terms = parse_where(function.where, pin, function_id=function.id)
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
