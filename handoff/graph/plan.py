"""What a run of a graph needs to know of each function: its number, what it takes, in what form, in which order.

Pure: from functions to plain data. Knows neither Redis nor nodes; what goes through a serializer is only named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from handoff.graph.needs import needs
from handoff.graph.order import first_to_start, levels, longest_paths
from handoff.graph.rules import CheckedGraph
from handoff.graph.wiring import Wiring
from handoff.words.checked import Checked
from handoff.words.constraints import Term, pin_to
from handoff.words.function import Function
from handoff.words.resources import Units


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A function of a run that is scheduled, which inline ones are not."""

    number: int  #: from 1, in the order added
    checked: Checked  #: with its group's pin among its terms
    takes: tuple[int, ...]  #: numbers of those whose results it needs, through inlines too: each once, by first use
    followers: tuple[int, ...]  #: numbers of those that take it, ascending
    inputs: dict[str, Any] | None  #: how its arguments are made of results, as `Wiring` writes it; None: of none
    forms: tuple[list[Any], ...]  #: [path, [static, ...]] of each serializer that takers ask of it
    place: int  #: 0 starts first: see `first_to_start`
    group: int | None  #: that it must share a node with, where no pin says which
    pin: str | None  #: the only node it may go to: its own, or its group's

    @property
    def function(self) -> Function:
        """As the user gave it."""
        return self.checked.function


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Functions of a run that must share one node, of which none is pinned."""

    number: int  #: from 1
    members: tuple[int, ...]  #: at least two, ascending
    need: Units  #: what a node must have, idle, for all of them that may run together
    terms: tuple[Term, ...]  #: what must hold of the node, for any of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that a run of one graph is started from."""

    id: str  #: of the graph
    steps: tuple[Step, ...]  #: by number
    roots: tuple[int, ...]  #: numbers of those that take no results, ascending
    groups: tuple[Group, ...]
    structure: list[list[Any]]  #: [id, number (0: inline), [index of each arg, ...]] of each function, in order added


def make_plan(id: str, graph: CheckedGraph, learned: Sequence[float | None]) -> Plan:
    """Plan a run of a graph. `learned`: how many seconds each of its functions usually takes; None = nobody knows."""
    regular = [index for index, checked in enumerate(graph.functions) if checked.function.type != "inline"]
    numbers = [0] * len(graph.functions)
    for number, index in enumerate(regular, 1):
        numbers[index] = number
    functions = [checked.function for checked in graph.functions]
    paths = longest_paths(functions, graph.sources, graph.order, learned)
    costs = [[variant.cost for variant in checked.variants] for checked in graph.functions]
    first = first_to_start(regular, paths, costs, levels(functions, graph.sources, graph.order))
    places = {index: place for place, index in enumerate(first)}

    pins, gathered = _pins(graph, regular)
    group_of = {index: number for number, members in enumerate(gathered, 1) for index in members}

    wiring = Wiring(graph, numbers)
    wired = {index: wiring.of(index) for index in regular}
    followers: dict[int, list[int]] = {number: [] for number in range(1, len(regular) + 1)}
    for index, (takes, _) in wired.items():
        for number in takes:
            followers[number].append(numbers[index])
    steps = []
    for index in regular:
        takes, inputs = wired[index]
        pin = pins.get(index)
        steps.append(
            Step(
                number=numbers[index],
                checked=_pinned(graph.functions[index], pin),
                takes=takes,
                followers=tuple(followers[numbers[index]]),
                inputs=inputs,
                forms=wiring.forms(index),
                place=places[index],
                group=group_of.get(index),
                pin=pin,
            )
        )
    return Plan(
        id=id,
        steps=tuple(steps),
        roots=tuple(step.number for step in steps if not step.takes),
        groups=_groups(graph, numbers, gathered),
        structure=[
            [checked.id, number, taken]
            for checked, number, taken in zip(graph.functions, numbers, graph.sources, strict=True)
        ],
    )


def _pins(graph: CheckedGraph, regular: Sequence[int]) -> tuple[dict[int, str], list[list[int]]]:
    """The only node of each function that has one, be it by another that it must run with; and the other groups."""
    pins = {index: pin for index in regular if (pin := graph.functions[index].pin) is not None}
    gathered: list[list[int]] = []
    for members in graph.companions:
        pin = next((pins[index] for index in members if index in pins), None)
        if pin is None:
            gathered.append(members)
        else:
            pins.update(dict.fromkeys(members, pin))
    return pins, gathered


def _pinned(checked: Checked, pin: str | None) -> Checked:
    if pin is None or checked.pin is not None:
        return checked
    return replace(checked, terms=tuple(sorted({*checked.terms, pin_to(pin)})), like=None)


def _groups(graph: CheckedGraph, numbers: Sequence[int], gathered: Sequence[Sequence[int]]) -> tuple[Group, ...]:
    costs = {index: graph.functions[index].variants for members in gathered for index in members}
    found = needs(gathered, costs, graph.sources, graph.order)
    return tuple(
        Group(
            number=number,
            members=tuple(numbers[index] for index in members),
            need=need,
            terms=tuple(sorted({term for index in members for term in graph.functions[index].terms})),
        )
        for number, (members, need) in enumerate(zip(gathered, found, strict=True), 1)
    )
