"""In which order the functions of a graph may start, and in which they had better.

Pure: knows the graph as the indices of what each function takes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from handoff.words.function import Function
from handoff.words.resources import Units

_LONGEST_DURATION_S = 1e300
"""Longer ones count as this, so that the sum of a million is still a float."""


def dependencies_first(sources: Sequence[Sequence[int]]) -> list[int]:
    """All indices, each behind those that it takes; without what is on a cycle or behind one.

    Kahn's algorithm: linear, and of no depth, for a chain of 10,000 is a usual thing.
    """
    missing = [len(taken) for taken in sources]
    takers: list[list[int]] = [[] for _ in sources]
    for index, taken in enumerate(sources):
        for source in taken:
            takers[source].append(index)
    ready = deque(index for index, count in enumerate(missing) if not count)
    order = []
    while ready:
        source = ready.popleft()
        order.append(source)
        for index in takers[source]:
            missing[index] -= 1
            if not missing[index]:
                ready.append(index)
    return order


def first_cycle(sources: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """A closed path along which results would flow, from that of its functions which was added first."""
    left = set(range(len(sources))).difference(order)
    # Whatever is left takes something that is left, so that going from taker to source comes round.
    at = min(left)
    steps: dict[int, int] = {}
    while at not in steps:
        steps[at] = len(steps)
        at = next(source for source in sources[at] if source in left)
    cycle = [index for index, step in steps.items() if step >= steps[at]][::-1]
    first = cycle.index(min(cycle))
    return [*cycle[first:], *cycle[:first], cycle[first]]


def longest_paths(
    functions: Sequence[Function],
    sources: Sequence[Sequence[int]],
    order: Sequence[int],
    learned: Sequence[float | None],
) -> list[float]:
    """For each function the seconds from its start to the end of all that follows it, if nothing ever waits.

    What a function says goes before what is learned of it. Those of no known duration take as long as the others on
    average; where none is known, each takes 1. Inlines take no time if they do not say so.
    """
    known = [_seconds(function, guess) for function, guess in zip(functions, learned, strict=True)]
    regular = [each for function, each in zip(functions, known, strict=True) if function.type != "inline"]
    given = [seconds for seconds in regular if seconds is not None]
    usual = math.fsum(given) / len(given) if given else 1.0
    paths = [0.0] * len(functions)  # At first only what follows.
    for index in reversed(order):
        seconds = known[index]
        if seconds is None:
            seconds = 0.0 if functions[index].type == "inline" else usual
        paths[index] += seconds
        for source in sources[index]:
            paths[source] = max(paths[source], paths[index])
    return paths


def levels(functions: Sequence[Function], sources: Sequence[Sequence[int]], order: Sequence[int]) -> list[int]:
    """For each function how many have to end one after the other before it can start. Inlines do not count."""
    found = [0] * len(functions)
    for index in order:
        for source in sources[index]:
            found[index] = max(found[index], found[source] + (functions[source].type != "inline"))
    return found


def first_to_start(
    indices: Sequence[int], paths: Sequence[float], costs: Sequence[Sequence[Units]], levels: Sequence[int]
) -> list[int]:
    """These functions in the order in which they had better start: the longest path first.

    Of equals the one goes first that asks for the largest part of what any of them asks for most: what needs much room
    finds it before small ones have taken some everywhere. (Of Estee's graphs the one with tasks of 1 to 3 cores takes
    5 % longer without, as long as nobody knows how long anything takes.) Of equals in that too it is the one that can
    be ready first, whatever the order in which the graph was written down, and then the one that was added first.
    Who would take one of several costs asks for the smallest.
    """
    most: dict[str, int] = {}
    for index in indices:
        for cost in costs[index]:
            for resource, units in cost.items():
                most[resource] = max(units, most.get(resource, 1))

    def part(cost: Units) -> float:
        return max((units / most[resource] for resource, units in cost.items()), default=0.0)

    parts = {index: min(map(part, costs[index])) for index in indices}
    return sorted(indices, key=lambda index: (-paths[index], -parts[index], levels[index]))


def _seconds(function: Function, learned: float | None) -> float | None:
    if function.duration is None:
        return learned
    return float(min(function.duration, _LONGEST_DURATION_S))
