"""What waiting functions ask for, read from texts, and whether a node has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from handoff.doctor.picture import Picture
from handoff.doctor.values import indexed, most
from handoff.ledger.nodes import Node
from handoff.ledger.texts.cost import read_cost
from handoff.ledger.texts.shape import read_shape, scope_of
from handoff.ledger.texts.terms import CAPACITY, capacity_of
from handoff.words.constraints import Term, pinned_to
from handoff.words.resources import UNIT, Units, device_of

__all__ = ["Wanted", "allows", "family", "parts_of", "read_cost", "wanted"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A shape, read from its text."""

    cost: Units
    terms: tuple[Term, ...]
    pin: str | None

    @property
    def scope(self) -> str:
        """What its heads and needs stand under."""
        return scope_of(self.pin)


@lru_cache(maxsize=4096)
def wanted(text: str) -> Wanted:
    """Read a shape. Raises ValueError."""
    shape = read_shape(text)
    return Wanted(shape.cost, shape.terms, pinned_to(shape.terms))


def family(name: str) -> str:
    """The devices of which something is, or its own name."""
    return device_of(name) or name


def parts_of(picture: Picture, shape: Wanted) -> tuple[Units, Units]:
    """What of a shape's cost is shared, and what a node itself must have."""
    part = {name: units for name, units in shape.cost.items() if name in picture.shared.capabilities}
    return part, {name: units for name, units in shape.cost.items() if name not in part}


def allows(node: Node, shape: Wanted) -> bool:
    """Whether its constraints are met."""
    capacity = indexed(node, is_idle=True)
    return all(
        has_capacity(capacity, term) if term.name == CAPACITY else term.allows(node.name, node.labels)
        for term in shape.terms
    )


def has_capacity(capacity: Mapping[str, int], term: Term) -> bool:
    """Whether a whole group could be held when idle: `^=cpu:40000|slots:20000`."""
    for name, units in capacity_of(term).items():
        whole = -(-units // UNIT) * UNIT if units > UNIT else units
        if most(capacity, name, units) < units and most(capacity, name, whole) < whole:
            return False
    return True
