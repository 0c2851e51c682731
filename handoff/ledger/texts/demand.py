"""A demand is what one function asks for: its shapes in order of preference, joined by `&`.

One that counts only after 30 s of waiting is written `30000:...`. All of them have the same constraints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handoff.ledger.texts.shape import read_shape, write_shape
from handoff.words.constraints import Term
from handoff.words.resources import Units
from handoff.words.variants import Variant


@dataclass(frozen=True, slots=True)
class Demand:
    """What a function may start as, and where."""

    variants: tuple[Variant, ...]  #: what each takes, with its slot
    terms: tuple[Term, ...]


def write_demand(variants: Iterable[Variant], terms: Sequence[Term]) -> str:
    """Write all that a function may start as, in order."""
    return "&".join(
        (f"{variant.after_ms}:" if variant.after_ms else "") + write_shape(variant.cost, terms) for variant in variants
    )


def read_demand(text: str) -> Demand:
    """Read a demand."""
    read = [(after_ms, read_shape(shape)) for after_ms, shape in shapes_of(text)]
    return Demand(tuple(Variant(after_ms, shape.cost) for after_ms, shape in read), read[0][1].terms)


def shapes_of(text: str) -> list[tuple[int, str]]:
    """Its shapes as texts, each with how long it has to have waited for it, in ms."""
    found = []
    for part in text.split("&"):
        # Labels may hold a colon, but none stands directly behind digits at the beginning: resources begin otherwise.
        after_ms, colon, shape = part.partition(":")
        found.append((int(after_ms), shape) if colon and after_ms.isdecimal() else (0, part))
    return found


def first_shape(text: str) -> str:
    """The first of its shapes that counts from the beginning, as text; else the first of all."""
    shapes = shapes_of(text)
    return next((shape for after_ms, shape in shapes if not after_ms), shapes[0][1])


def write_costs(costs: Iterable[Units]) -> str:
    """Write costs of which the first that fits is taken, as claims ask for them: their constraints stand elsewhere."""
    return "&".join(map(write_shape, costs))
