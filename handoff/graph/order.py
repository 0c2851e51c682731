"""In which order the functions of a graph may start, and in which they had better.

Pure: knows the graph as the indices of what each function takes.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from handoff.words.function import Function

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
