"""What waiting functions ask for, and what nodes hold for them, read from their texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handoff.ledger.nodes import Node
from handoff.ledger.texts.cost import read_cost
from handoff.ledger.texts.terms import read_terms
from handoff.words.constraints import Term
from handoff.words.resources import UNIT, Units, device_of
from support.invariants.nodes import indexed
from support.ledger import Ledger


@dataclass(frozen=True)
class Shape:
    """A shape, read from its text."""

    cost: Units
    terms: list[str]

    @property
    def pin(self) -> str:
        pins = [term.removeprefix("node=") for term in self.terms if term.startswith("node=") and "|" not in term]
        return pins[-1] if pins else ""

    @property
    def scope(self) -> str:
        return f"@{self.pin}" if self.pin else ""


def parse_shape(text: str) -> Shape:
    cost, _, terms = text.partition("@")
    return Shape(read_cost(cost), [term for term in terms.split(";") if term])


@dataclass(frozen=True)
class Hold:
    """For whom a node is held, and what of it."""

    rank: float
    job: str
    lacks: set[str]


def parse_hold(fields: Mapping[str, str]) -> Hold:
    rank, job, lacks = fields["hold"].split("|")
    return Hold(float(rank), job, set(lacks.split(",")))


def family(name: str) -> str:
    return device_of(name) or name


def parts_of(ledger: Ledger, shape: Shape) -> tuple[Units, Units]:
    """What of a shape's cost is shared, and what a node itself must have."""
    part = {name: units for name, units in shape.cost.items() if name in ledger.shared.capabilities}
    return part, {name: units for name, units in shape.cost.items() if name not in part}


def allows(node: Node, shape: Shape) -> bool:
    terms = read_terms(";".join(shape.terms))
    return all(_has_capacity(node, term) if term.name == "^" else term.allows(node.name, node.labels) for term in terms)


def _has_capacity(node: Node, term: Term) -> bool:
    """Whether a whole group could be held when idle: `^=cpu:40000|slots:20000`."""
    capacity = indexed(node, is_idle=True)
    for value in term.values:
        name, _, units = value.partition(":")
        whole = -(-int(units) // UNIT) * UNIT if int(units) > UNIT else int(units)
        if most(capacity, name, int(units)) < int(units) and most(capacity, name, whole) < whole:
            return False
    return True


def most(free: Mapping[str, int], name: str, units: int) -> int:
    """What is free to whoever wants so much."""
    of_devices = 0
    if device_of(name):
        of_devices = free.get(f"{device_of(name)}#memory", 0)
    elif units < UNIT:
        of_devices = free.get(f"{name}#share", 0)
    elif units % UNIT == 0:
        of_devices = free.get(f"{name}#idle", 0) * UNIT
    return max(free.get(name, 0), of_devices)
