"""What is too much for one call, cut into calls of which none holds Redis for long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from handoff.ledger.texts.entries import FIRST_VALUE, Value, write_entry
from handoff.ledger.texts.submission import Kind

SLICE = 64
"""Functions of one slice: 1 to 2 ms of the server's time."""

PER_WEIGHT = 4096
"""Bytes that cost the server as much as a function."""


class Weighed(NamedTuple):
    """An entry, and what it costs the server: as many functions of which nothing else is to be done."""

    weight: float
    values: list[Value]
    kind: Kind | None = None  #: what it has in common with others, known by identity: so it is to be kept


def cut(entries: Iterable[Weighed]) -> Iterator[list[Value]]:
    """Cut them into calls by what they cost the server; at least one call.

    What entries have in common stands in each call once, before the first of them; these begin with its number there.
    """
    slice_: list[Value] = []
    kinds: dict[int, int] = {}
    cost = 0.0
    for weight, values, kind in entries:
        if slice_ and cost + weight > SLICE:
            yield slice_
            slice_, kinds, cost = [], {}, 0.0
        if kind is not None:
            number = kinds.get(id(kind))
            if number is None:
                number = kinds[id(kind)] = len(kinds) + 1
                slice_ += write_entry("kind", number, *kind)
            values[FIRST_VALUE] = number
        slice_ += values
        cost += weight
    yield slice_
