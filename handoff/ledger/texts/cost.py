"""A cost, `cpu=20000,gpu=5000`: resources with units of 1/10,000, in order of name. So are capacities written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handoff.ledger.texts.run_id import is_run_token
from handoff.words.resources import SLOTS, UNIT, Units


def write_cost(units: Mapping[str, int]) -> str:
    """Write a cost; equal costs give equal texts."""
    return ",".join(f"{name}={units[name]}" for name in sorted(units))


def read_cost(text: str) -> Units:
    """Read a cost."""
    return {name: int(units) for name, _, units in (part.partition("=") for part in text.split(",") if part)}


def read_pairs(values: Sequence[bytes]) -> Units:
    """Read a cost that comes as `name, units, name, units, ...` of a reply."""
    return {values[i].decode(): int(values[i + 1]) for i in range(0, len(values), 2)}


def with_slot(cost: Units) -> Units:
    """What a function takes that asks for so much: its slot too."""
    return {**cost, SLOTS: UNIT}


def asked_for(units: Mapping[str, int]) -> Units:
    """Leave out what a function takes beside what it asks for: its slot, and a token of its run."""
    return {name: value for name, value in units.items() if name != SLOTS and not is_run_token(name)}
