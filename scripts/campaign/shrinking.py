"""The shortest list of faults that still shows what is wrong: the first so many of a plan, found by halving."""

from __future__ import annotations

from collections.abc import Callable

TRIES = 2
"""Of each length: what depends on a race does not show each time."""


def shortest(fails: Callable[[int], bool], known: int) -> int:
    """The smallest count of faults found to fail, where `known` did."""
    low, high = 0, known
    while low < high:
        middle = (low + high) // 2
        if any(fails(middle) for _ in range(TRIES)):
            high = middle
        else:
            low = middle + 1
    return high
