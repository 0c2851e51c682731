"""The rules that a graph must keep as a whole, and what was read of it on the way.

Pure: knows neither nodes nor what a run of it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handoff.errors import CyclicDependency, DuplicateFunction, InvalidFunction, MissingFunction, shown
from handoff.graph.order import dependencies_first, first_cycle
from handoff.words.checked import Checked, Checks
from handoff.words.function import Collocated, Function
from handoff.words.variants import NO_COST, Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedGraph:
    """A graph that keeps the rules; its functions are named by their indices, in the order added."""

    functions: list[Checked]
    sources: list[list[int]]  #: of each those whose results it takes, one for each argument
    order: list[int]  #: all of them, each behind those that it takes
    companions: list[list[int]]  #: those that `Collocated` joins, at least two in each list


def check_graph(functions: Sequence[Function], default_cost: Sequence[Variant] = NO_COST) -> CheckedGraph:
    """Read a graph, and raise as `DAG.validate` does. `default_cost` is the cost of functions that name none."""
    checks = Checks(default_cost)
    checked = [checks.check_in_dag(function) for function in functions]
    sources = _sources(checked)
    joined = companions(functions)
    for members in joined:
        _check_together([checked[index] for index in members])
    order = dependencies_first(sources)
    if len(order) < len(functions):
        raise CyclicDependency([functions[index].id for index in first_cycle(sources, order)])
    return CheckedGraph(functions=checked, sources=sources, order=order, companions=joined)


def companions(functions: Sequence[Function]) -> list[list[int]]:
    """The indices of functions that `Collocated` joins, directly or through others: at least two in each list.

    In the order of their first members. Raises `DuplicateFunction` and `MissingFunction`.
    """
    index_of = _indices(functions)
    joined: dict[int, list[int]] = {}
    for index, function in enumerate(functions):
        if isinstance(function.node, Collocated):
            other = index_of.get(function.node.id)
            if other is None:
                raise MissingFunction(function.node.id, function.id)
            joined.setdefault(index, []).append(other)
            joined.setdefault(other, []).append(index)
    found = []
    seen: set[int] = set()
    for first in sorted(joined):
        members = [] if first in seen else [first]
        seen.add(first)
        for index in members:  # It grows while it is walked.
            fresh = {other for other in joined[index] if other not in seen}
            seen |= fresh
            members += fresh
        if len(members) > 1:
            found.append(sorted(members))
    return found


def _sources(functions: Sequence[Checked]) -> list[list[int]]:
    index_of = _indices([checked.function for checked in functions])
    sources: list[list[int]] = []
    for checked in functions:
        try:
            sources.append([index_of[taken if isinstance(taken, str) else taken.id] for taken in checked.args])
        except KeyError as error:
            raise MissingFunction(error.args[0], checked.id) from None
    return sources


def _indices(functions: Sequence[Function]) -> dict[str, int]:
    index_of: dict[str, int] = {}
    for index, function in enumerate(functions):
        if index_of.setdefault(function.id, index) != index:
            raise DuplicateFunction(function.id, "graph")
    return index_of


def _check_together(members: Iterable[Checked]) -> None:
    pinned: tuple[str, str] | None = None
    for checked in members:
        if checked.function.type == "inline":
            raise InvalidFunction(
                checked.id,
                "it is inline, has no node of its own, and Collocated joins it with others",
                'name those that need it instead, or make it "regular"',
            )
        pin = checked.pin
        if pin is None:
            continue
        if pinned is not None and pinned[1] != pin:
            raise InvalidFunction(
                checked.id,
                f"it is pinned to {shown(pin)}, and {shown(pinned[0])}, which must run on the same node, "
                f"to {shown(pinned[1])}",
                "pin them to one node, or do not collocate them",
            )
        pinned = checked.id, pin
