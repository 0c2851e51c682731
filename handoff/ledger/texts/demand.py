"""A demand is what one function asks for: its shapes in order of preference, joined by `&`.

One that counts only after 30 s of waiting is written `30000:...`. All of them have the same constraints.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handoff.ledger.texts.shape import Shape, read_shape, write_shape
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
    read = [_read_variant(part) for part in text.split("&")]
    return Demand(tuple(Variant(after_ms, shape.cost) for after_ms, shape in read), read[0][1].terms)


def _read_variant(text: str) -> tuple[int, Shape]:
    # Labels may hold a colon, but none stands directly behind digits at the beginning: resources begin otherwise.
    after_ms, colon, shape = text.partition(":")
    return (int(after_ms), read_shape(shape)) if colon and after_ms.isdecimal() else (0, read_shape(text))


def write_costs(costs: Iterable[Units]) -> str:
    """Write costs of which the first that fits is taken, as claims ask for them: their constraints stand elsewhere."""
    return "&".join(map(write_shape, costs))
