"""What a run of a graph needs to know of each function: its number, what it takes, in what form, in which order.

Pure: from functions to plain data. Knows neither Redis nor nodes; what goes through a serializer is only named.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handoff.graph.dag import DAG, companions, pin_of, resolve
from handoff.graph.needs import needs
from handoff.graph.wiring import Wiring
from handoff.words.constraints import Term, parse_where
from handoff.words.function import Function
from handoff.words.resources import Units
from handoff.words.variants import Variant, parse_variants

_LONGEST_DURATION_S = 1e300
"""Longer ones count as this, so that the sum of a million is still a float."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A function of a run that is scheduled, which inline ones are not."""

    number: int  #: from 1, in the order added
    function: Function
    takes: tuple[int, ...]  #: numbers of those whose results it needs, through inlines too: each once, by first use
    followers: tuple[int, ...]  #: numbers of those that take it, ascending
    inputs: dict[str, Any] | None  #: how its arguments are made of results, as `Wiring` writes it; None: of none
    forms: tuple[list[Any], ...]  #: [path, [static, ...]] of each serializer that takers ask of it
    place: int  #: 0 starts first: the longest path to an end, of equals the lower number
    group: int | None  #: that it must share a node with, where no pin says which
    pin: str | None  #: the only node it may go to: its own, or its group's


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


def run_job_id(instance: str, number: int) -> str:
    """The RQ job id of a function in a run."""
    return f"{instance}-{number}"


def make_plan(dag: DAG, default_cost: Sequence[Variant]) -> Plan:
    """Check the graph and plan a run of it. `default_cost` is the cost of functions that name none.

    Raises what `DAG.validate` raises.
    """
    functions = dag.functions
    sources, order = resolve(functions)
    regular = [index for index, function in enumerate(functions) if function.type != "inline"]
    numbers = [0] * len(functions)
    for number, index in enumerate(regular, 1):
        numbers[index] = number
    paths = longest_paths(functions, sources, order)
    places = {index: place for place, index in enumerate(sorted(regular, key=lambda index: -paths[index]))}

    pins = {index: pin for index in regular if (pin := pin_of(functions[index])) is not None}
    gathered: list[list[int]] = []
    for members in companions(functions):
        pin = next((pins[index] for index in members if index in pins), None)
        if pin is None:
            gathered.append(members)
        else:
            pins.update(dict.fromkeys(members, pin))
    group_of = {index: number for number, members in enumerate(gathered, 1) for index in members}

    wiring = Wiring(functions, sources, numbers)
    wired = {index: wiring.of(index) for index in regular}
    followers: dict[int, list[int]] = {number: [] for number in range(1, len(regular) + 1)}
    for index, (takes, _) in wired.items():
        for number in takes:
            followers[number].append(numbers[index])
    steps = []
    for index in regular:
        takes, inputs = wired[index]
        steps.append(
            Step(
                number=numbers[index],
                function=functions[index],
                takes=takes,
                followers=tuple(followers[numbers[index]]),
                inputs=inputs,
                forms=wiring.forms(index),
                place=places[index],
                group=group_of.get(index),
                pin=pins.get(index),
            )
        )
    return Plan(
        id=dag.id,
        steps=tuple(steps),
        roots=tuple(step.number for step in steps if not step.takes),
        groups=_groups(functions, sources, order, numbers, gathered, default_cost),
        structure=[
            [function.id, number, taken] for function, number, taken in zip(functions, numbers, sources, strict=True)
        ],
    )


def longest_paths(functions: Sequence[Function], sources: Sequence[Sequence[int]], order: Sequence[int]) -> list[float]:
    """For each function the seconds from its start to the end of all that follows it, if nothing ever waits.

    Those of no known duration take as long as the others on average; where none is known, each takes 1. Inlines take
    no time if they do not say so.
    """
    known = [_seconds(function) for function in functions if function.type != "inline"]
    given = [seconds for seconds in known if seconds is not None]
    usual = math.fsum(given) / len(given) if given else 1.0
    paths = [0.0] * len(functions)  # At first only what follows.
    for index in reversed(order):
        seconds = _seconds(functions[index])
        if seconds is None:
            seconds = 0.0 if functions[index].type == "inline" else usual
        paths[index] += seconds
        for source in sources[index]:
            paths[source] = max(paths[source], paths[index])
    return paths


def _seconds(function: Function) -> float | None:
    return None if function.duration is None else float(min(function.duration, _LONGEST_DURATION_S))


def _groups(
    functions: Sequence[Function],
    sources: Sequence[Sequence[int]],
    order: Sequence[int],
    numbers: Sequence[int],
    gathered: Sequence[Sequence[int]],
    default_cost: Sequence[Variant],
) -> tuple[Group, ...]:
    costs = {}
    for members in gathered:
        for index in members:
            cost = functions[index].cost
            costs[index] = default_cost if cost is None else parse_variants(cost)
    groups = []
    for number, (members, need) in enumerate(zip(gathered, needs(gathered, costs, sources, order), strict=True), 1):
        terms = {
            term for index in members for term in parse_where(functions[index].where, function_id=functions[index].id)
        }
        groups.append(
            Group(
                number=number,
                members=tuple(numbers[index] for index in members),
                need=need,
                terms=tuple(sorted(terms, key=Term.text)),
            )
        )
    return tuple(groups)
