"""Amounts of resources: exact integers of 1/10,000, and the rules for names and values.

One way in (`parse_cost`, `parse_capabilities`), one way out (`amount`). Integers of 1/10,000 as in HyperQueue
and Ray, so that a thousand cycles of 0.1 leave exactly zero. Knows nothing of Redis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, InvalidOperation
from fractions import Fraction
from numbers import Integral, Rational, Real

from handoff.errors import InvalidResources

UNIT = 10_000
"""How many of the integers inside make 1 of what the user says."""

LARGEST = 10**11
"""The largest amount a user may give; times `UNIT` it stays below 2**53, the last exact integer of Lua."""

MOST_RESOURCES = 256
"""In one cost, or on one node: Lua unpacks at most 8,000 values, and each resource takes several."""

SLOTS = "slots"
"""The reserved resource of which every function needs 1."""

UNLIMITED = LARGEST * UNIT
"""The slots of a static node that was registered without any: never short, never shown."""

ALWAYS_DEVICES = frozenset({"gpu"})
"""Resources that consist of devices even where only a number is given."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")

_STEP = Decimal("0.0001")
# Never the caller's own context: its precision and traps are for the caller's sums.
_CONTEXT = Context(prec=60, traps=[InvalidOperation])

Number = int | float | Decimal | Fraction | Real
"""What a user may write as an amount (NumPy scalars are `Real` too)."""

Amount = int | float
"""What a user gets back: int when whole, else float."""

Units = dict[str, int]
"""Resource -> integer of 1/10,000; zero is absent."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a node has: `units` of everything; for resources that consist of devices also their indices, ascending."""

    units: Units
    devices: dict[str, tuple[int, ...]] = field(default_factory=dict)


def amount(units: int) -> Amount:
    """Turn units of 1/10,000 back into what a user reads: int when whole, else float."""
    whole, rest = divmod(units, UNIT)
    return whole if rest == 0 else units / UNIT


def amounts(units: Mapping[str, int]) -> dict[str, Amount]:
    """`amount` of every resource of a mapping."""
    return {name: amount(value) for name, value in units.items()}


def parse_cost(cost: Mapping[str, Number] | None) -> Units:
    """Read a cost: amounts round up to 1/10,000, zeros vanish.

    Raises `InvalidResources` naming resource, value and rule. `slots` may not be asked for, and a whole-device
    resource (`gpu`) takes whole numbers from 1 and shares below 1.
    """
    units: Units = {}
    for name, value in _items(cost):
        if name == SLOTS:
            raise InvalidResources(name, value, "every function takes one slot by itself; slots cannot be asked for")
        parsed = _units(name, value, ROUND_CEILING)
        if name in ALWAYS_DEVICES and parsed > UNIT and parsed % UNIT:
            raise InvalidResources(
                name, value, "1 or more devices must be a whole number; below 1 is a share of one device"
            )
        if parsed:
            units[name] = parsed
    return units


def parse_capabilities(capabilities: Mapping[str, Number | Sequence[int]]) -> Capabilities:
    """Read what a node has: amounts round down to 1/10,000, zeros vanish, a list gives device indices.

    Raises `InvalidResources` naming resource, value and rule.
    """
    units: Units = {}
    devices: dict[str, tuple[int, ...]] = {}
    for name, value in _items(capabilities):
        if isinstance(value, (list, tuple)):
            indices = _indices(name, value)
        elif name in ALWAYS_DEVICES:
            indices = _count(name, value)
        else:
            parsed = _units(name, value, ROUND_FLOOR)
            if parsed:
                units[name] = parsed
            continue
        if indices:
            devices[name] = indices
            units[name] = len(indices) * UNIT
    return Capabilities(units, devices)


def _items(amounts: Mapping[str, object] | None) -> list[tuple[str, object]]:
    if amounts is None:
        return []
    if not isinstance(amounts, Mapping):
        raise InvalidResources("*", amounts, "give a mapping of resource names to amounts, such as {'cpu': 2}")
    if len(amounts) > MOST_RESOURCES:
        raise InvalidResources("*", len(amounts), f"a cost or a node names at most {MOST_RESOURCES} resources")
    for name, value in amounts.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise InvalidResources(name, value, "a name is a letter or _, then up to 63 letters, digits, _, . or -")
    return list(amounts.items())


def _units(name: str, value: object, rounding: str) -> int:
    """The exact value in 1/10,000. A float means its shortest decimal text: ceil(0.07 * 10_000) would give 701."""
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        raise InvalidResources(name, value, "an amount is a number, not a bool")
    if isinstance(value, Integral):
        exact: Fraction | Decimal = Decimal(int(value))
    elif isinstance(value, Decimal):
        exact = value
    elif isinstance(value, Rational):
        exact = Fraction(int(value.numerator), int(value.denominator))
    elif isinstance(value, float):
        exact = Decimal(float.__repr__(value))
    elif isinstance(value, Real):
        exact = _decimal_text(name, value)
    else:
        raise InvalidResources(name, value, "an amount is an int, float, Decimal, Fraction or NumPy scalar")
    if isinstance(exact, Decimal) and not exact.is_finite():
        raise InvalidResources(name, value, "an amount is finite")
    if exact < 0:
        raise InvalidResources(name, value, "an amount is at least 0")
    if exact > LARGEST:
        raise InvalidResources(name, value, "an amount is at most 10**11")
    if isinstance(exact, Fraction):
        quotient, rest = divmod(exact.numerator * UNIT, exact.denominator)
        return quotient + (1 if rest and rounding == ROUND_CEILING else 0)
    return int(exact.quantize(_STEP, rounding=rounding, context=_CONTEXT).scaleb(4, context=_CONTEXT))


def _decimal_text(name: str, value: Real) -> Decimal:
    """A NumPy float of any width means its own shortest text: float32 0.1 is 0.1, not 0.10000000149."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise InvalidResources(name, value, "an amount is a finite number") from None


def _count(name: str, value: object) -> tuple[int, ...]:
    units = _units(name, value, ROUND_FLOOR)
    if units % UNIT:
        raise InvalidResources(name, value, "a node has a whole number of devices")
    if units > 4096 * UNIT:
        raise InvalidResources(name, value, "a node has at most 4096 devices of a kind")
    return tuple(range(units // UNIT))


def _indices(name: str, value: Sequence[object]) -> tuple[int, ...]:
    rule = "a list of devices holds distinct whole indices from 0 to 65535, at most 4096 of them"
    indices = []
    for index in value:
        if isinstance(index, bool) or not isinstance(index, Integral) or not 0 <= int(index) <= 65535:
            raise InvalidResources(name, value, rule)
        indices.append(int(index))
    if len(set(indices)) != len(indices) or len(indices) > 4096 or name == SLOTS:
        raise InvalidResources(name, value, "slots is a number" if name == SLOTS else rule)
    return tuple(sorted(indices))
