"""The graphs that are run, as plain numbers, so that every system gets the same one; and the function they consist of.

Knows no system.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isqrt

Graph = Sequence[Sequence[int]]
"""For each function those whose results it takes, all of them earlier; the last one is the only end."""


def step(*results: object) -> None:
    """Take the results of others, or a list of them, and return None."""


def chain(functions: int) -> Graph:
    """One after the other."""
    return [[], *([number] for number in range(functions - 1))]


def fan(width: int) -> Graph:
    """A source, `width` functions that take its result, and a sink that takes all of theirs."""
    return [[], *([0] for _ in range(width)), range(1, width + 1)]


def grid(functions: int) -> Graph:
    """About as many in a square: each takes the results of the one above and the one to the left."""
    side = isqrt(functions)
    return [
        [*([number - side] if number >= side else ()), *([number - 1] if number % side else ())]
        for number in range(side * side)
    ]


SHAPES: Mapping[str, Callable[[int], Graph]] = {"chain": chain, "fan": fan, "grid": grid}
