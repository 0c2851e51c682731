"""Shapes: a cost and its constraints as one line, `cpu=20000,gpu=5000,slots=10000@tier!=spot;zone=a|b`.

Functions of one shape are interchangeable to the scheduler.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handoff.ledger.texts.cost import read_cost, write_cost
from handoff.ledger.texts.terms import read_terms, write_terms
from handoff.words.constraints import Term
from handoff.words.resources import Units


@dataclass(frozen=True, slots=True)
class Shape:
    """What is taken, and of which nodes."""

    cost: Units  #: of a function with its slot
    terms: tuple[Term, ...]


def write_shape(cost: Units, terms: Iterable[Term] = ()) -> str:
    """Write a shape; equal shapes give equal texts."""
    constraints = write_terms(terms)
    return f"{write_cost(cost)}@{constraints}" if constraints else write_cost(cost)


def read_shape(text: str) -> Shape:
    """Read a shape."""
    # Labels and node names may hold an @ too; resource names never do, so the first one divides.
    cost, _, constraints = text.partition("@")
    return Shape(read_cost(cost), read_terms(constraints))


def terms_of(text: str) -> str:
    """The constraints of a shape, as text."""
    return text.partition("@")[2]


def scope_of(pin: str | None) -> str:
    """What the shapes that are pinned to a node have their heads and needs under; all others have ''."""
    return f"@{pin}" if pin else ""
