"""Amounts of resources: exact integers of 1/10,000, and the rules for names and values.

One way in (`parse_amount`), one way out (`amount`). Integers of 1/10,000 as in HyperQueue and Ray, so that a thousand
cycles of 0.1 leave exactly zero. Knows nothing of Redis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Context, Decimal, InvalidOperation
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

MEMORY_SUFFIX = "_memory"
"""The memory of the devices called `gpu` is the resource `gpu_memory`, where a node publishes it."""

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


def device_of(name: str) -> str:
    """The resource whose devices have this memory: `gpu` for `gpu_memory`; '' for any other name."""
    return name.removesuffix(MEMORY_SUFFIX) if name.endswith(MEMORY_SUFFIX) else ""


def amount(units: int) -> Amount:
    """Turn units of 1/10,000 back into what a user reads: int when whole, else float."""
    whole, rest = divmod(units, UNIT)
    return whole if rest == 0 else units / UNIT


def amounts(units: Mapping[str, int]) -> dict[str, Amount]:
    """`amount` of every resource of a mapping."""
    return {name: amount(value) for name, value in units.items()}


MOST_PARTS = 64
"""Of what is meant to be such a part of 1, or more, nobody counts how many fit."""


def part_rounded_up(units: int) -> tuple[int, int] | None:
    """Of a third that was rounded up to 0.3334: that it was to be one of 3, and the most of which 3 fit into 1."""
    parts = round(UNIT / units) if units else 0
    is_rounded_up = 0 < parts <= MOST_PARTS and units == -(-UNIT // parts) and units * parts > UNIT
    return (parts, UNIT // parts) if is_rounded_up else None


def parse_cost(cost: Mapping[str, Number] | None) -> Units:
    """Read a cost: amounts round up to 1/10,000, zeros vanish.

    Raises `InvalidResources` naming resource, value and rule. `slots` may not be asked for, and a whole-device
    resource (`gpu`) takes whole numbers from 1 and shares below 1, or else memory of one device (`gpu_memory`).
    """
    units: Units = {}
    for name, value in items_of(cost):
        if name == SLOTS:
            raise InvalidResources(name, value, "every function takes one slot by itself; slots cannot be asked for")
        parsed = parse_amount(name, value, ROUND_CEILING)
        if name in ALWAYS_DEVICES and parsed > UNIT and parsed % UNIT:
            raise InvalidResources(
                name, value, "1 or more devices must be a whole number; below 1 is a share of one device"
            )
        if parsed:
            units[name] = parsed
    for name in units:
        device = device_of(name)
        if device in units:
            rule = f"{name} is memory of one {device} that others share: ask for {device} or for {name}"
            raise InvalidResources(name, amount(units[name]), rule)
    return units


def items_of(amounts: Mapping[str, object] | None) -> list[tuple[str, object]]:
    """Names and what is given for each. Raises `InvalidResources` for the first name that breaks a rule."""
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


def parse_amount(name: str, value: object, rounding: str) -> int:
    """Read an amount, exactly: `rounding` is one of `decimal`'s. Raises `InvalidResources`.

    A float means its shortest decimal text: ceil(0.07 * 10_000) would give 701.
    """
    # Most amounts: a Decimal would take 2 us more, of some 40 that a submit takes.
    if type(value) is int and 0 <= value <= LARGEST:
        return value * UNIT
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
