"""What is too much for one call, cut into calls of which none holds Redis for long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from handoff.ledger.texts.entries import Value

SLICE = 64
"""Functions of one slice: 1 to 2 ms of the server's time."""

PER_WEIGHT = 4096
"""Bytes that cost the server as much as a function."""

Weighed = tuple[float, list[Value]]
"""An entry, and what it costs the server: as many functions of which nothing else is to be done."""


def cut(entries: Iterable[Weighed]) -> Iterator[list[Value]]:
    """Cut them into calls by what they cost the server; at least one call."""
    slice_: list[Value] = []
    cost = 0.0
    for weight, values in entries:
        if slice_ and cost + weight > SLICE:
            yield slice_
            slice_, cost = [], 0.0
        slice_ += values
        cost += weight
    yield slice_
