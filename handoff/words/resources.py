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

DeviceMemory = Mapping[str, Number | Sequence[Number] | Mapping[int, Number]]
"""Device resource -> MB of memory: of each device, or of one after another by ascending index, or by index."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a node has: `units` of everything; for resources that consist of devices also their indices, ascending.

    Devices whose memory is known have it in `memory`, in the order of their indices; then `units` has the sum of it,
    as `<resource>_memory`.
    """

    units: Units
    devices: dict[str, tuple[int, ...]] = field(default_factory=dict)
    memory: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def sums(self) -> Units:
        """Those of `units` that belong to no single device."""
        return {
            name: units
            for name, units in self.units.items()
            if name not in self.devices and device_of(name) not in self.memory
        }


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


def parse_cost(cost: Mapping[str, Number] | None) -> Units:
    """Read a cost: amounts round up to 1/10,000, zeros vanish.

    Raises `InvalidResources` naming resource, value and rule. `slots` may not be asked for, and a whole-device
    resource (`gpu`) takes whole numbers from 1 and shares below 1, or else memory of one device (`gpu_memory`).
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
    for name in units:
        device = device_of(name)
        if device in units:
            rule = f"{name} is memory of one {device} that others share: ask for {device} or for {name}"
            raise InvalidResources(name, amount(units[name]), rule)
    return units


def parse_capabilities(
    capabilities: Mapping[str, Number | Sequence[int]], device_memory: DeviceMemory | None = None
) -> Capabilities:
    """Read what a node has: amounts round down to 1/10,000, zeros vanish, a list gives device indices.

    `device_memory` must say the memory of exactly the devices that are there. Raises `InvalidResources` naming
    resource, value and rule.
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
        devices[name] = indices
        if indices:
            units[name] = len(indices) * UNIT
    memory: dict[str, tuple[int, ...]] = {}
    for device, given in _items(device_memory):
        name = device + MEMORY_SUFFIX
        if name in capabilities:
            raise InvalidResources(name, capabilities[name], "it is the sum of device_memory already: give one of them")
        sizes = _sizes(device, given, devices.get(device))
        if sum(sizes):
            memory[device], units[name] = sizes, sum(sizes)
    _check_all(units)
    return Capabilities(units, {name: indices for name, indices in devices.items() if indices}, memory)


def parse_shared(amounts: Mapping[str, Number]) -> Units:
    """Read what a whole cluster is to share: amounts round down, and a zero is kept, for it takes one away.

    Raises `InvalidResources`; devices belong to nodes, and so do slots.
    """
    units: Units = {}
    if amounts is None:
        raise InvalidResources("*", amounts, "give a mapping of resource names to amounts, such as {'license': 5}")
    for name, value in _items(amounts):
        if name == SLOTS or name in ALWAYS_DEVICES or device_of(name) in ALWAYS_DEVICES:
            raise InvalidResources(name, value, "it belongs to nodes, and cannot be shared by all")
        units[name] = _units(name, value, ROUND_FLOOR)
    return units


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


def _sizes(device: str, value: object, indices: Sequence[int] | None) -> tuple[int, ...]:
    """The memory of each device, in the order of `indices`."""
    name = device + MEMORY_SUFFIX
    if indices is None:
        raise InvalidResources(name, value, f"the node lists no devices called {device}: give their number or indices")
    if isinstance(value, Mapping):
        if set(value) != set(indices):
            raise InvalidResources(name, value, f"device_memory by index has one amount for each of {list(indices)}")
        amounts = [value[index] for index in indices]
    elif isinstance(value, (list, tuple)):
        if len(value) != len(indices):
            raise InvalidResources(name, value, f"a list in device_memory has one amount for each of {list(indices)}")
        amounts = list(value)
    else:
        amounts = [value] * len(indices)
    return tuple(_units(name, amount, ROUND_FLOOR) for amount in amounts)


def _check_all(units: Units) -> None:
    """Memory of devices makes names and sums that nobody wrote; they keep the rules all the same."""
    if len(units) > MOST_RESOURCES:
        raise InvalidResources("*", len(units), f"a node has at most {MOST_RESOURCES} resources, memory of devices too")
    for name, value in units.items():
        if not NAME.fullmatch(name):
            raise InvalidResources(name, amount(value), "a name has at most 64 characters, with _memory at its end too")
        if value > LARGEST * UNIT:
            raise InvalidResources(name, amount(value), "the memory of all devices together is at most 10**11")


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
