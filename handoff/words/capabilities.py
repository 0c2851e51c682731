"""What a node has, and what a whole cluster shares: amounts, devices by their indices, and the memory of each.

Knows nothing of what is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR
from numbers import Integral
from typing import TypeGuard

from handoff.errors import InvalidResources, shown
from handoff.words.resources import (
    ALWAYS_DEVICES,
    LARGEST,
    MEMORY_SUFFIX,
    MOST_RESOURCES,
    NAME,
    SLOTS,
    UNIT,
    Number,
    Units,
    amount,
    device_of,
    items_of,
    parse_amount,
)

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


MOST_DEVICES = 4096
"""Of one kind, on one node."""

INDEX_RULE = "a list of devices holds distinct whole indices from 0 to 65535"


def is_index(index: object) -> TypeGuard[int]:
    """Whether a device may have this index."""
    return isinstance(index, Integral) and not isinstance(index, bool) and 0 <= int(index) <= 65535


def parse_capabilities(
    capabilities: Mapping[str, Number | Sequence[int]], device_memory: DeviceMemory | None = None
) -> Capabilities:
    """Read what a node has: amounts round down to 1/10,000, zeros vanish, a list gives device indices.

    `device_memory` must say the memory of exactly the devices that are there. Raises `InvalidResources` naming
    resource, value and rule.
    """
    units: Units = {}
    devices: dict[str, tuple[int, ...]] = {}
    if capabilities is None:
        raise InvalidResources("*", None, "give a mapping of what the node has, such as {'cpu': 4}; {} is nothing")
    for name, value in items_of(capabilities):
        if isinstance(value, (list, tuple)):
            indices = _indices(name, value)
        elif name in ALWAYS_DEVICES:
            indices = _count(name, value)
        else:
            parsed = parse_amount(name, value, ROUND_FLOOR)
            if parsed:
                units[name] = parsed
            continue
        devices[name] = indices
        if indices:
            units[name] = len(indices) * UNIT
    memory: dict[str, tuple[int, ...]] = {}
    for device, given in items_of(device_memory):
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
    for name, value in items_of(amounts):
        if name == SLOTS or name in ALWAYS_DEVICES or device_of(name) in ALWAYS_DEVICES:
            raise InvalidResources(name, value, "it belongs to nodes, and cannot be shared by all")
        units[name] = parse_amount(name, value, ROUND_FLOOR)
    return units


def _count(name: str, value: object) -> tuple[int, ...]:
    units = parse_amount(name, value, ROUND_FLOOR)
    if units % UNIT:
        raise InvalidResources(name, value, "a node has a whole number of devices")
    if units > MOST_DEVICES * UNIT:
        raise InvalidResources(name, value, f"a node has at most {MOST_DEVICES} devices of a kind")
    return tuple(range(units // UNIT))


def _sizes(device: str, value: object, indices: Sequence[int] | None) -> tuple[int, ...]:
    """The memory of each device, in the order of `indices`."""
    name = device + MEMORY_SUFFIX
    if indices is None:
        raise InvalidResources(name, value, f"the node lists no devices called {device}: give their number or indices")
    if isinstance(value, Mapping):
        if not all(map(is_index, value)) or set(value) != set(indices):
            raise InvalidResources(name, value, f"device_memory by index has one amount for each of {list(indices)}")
        amounts = [value[index] for index in indices]
    elif isinstance(value, (list, tuple)):
        if len(value) != len(indices):
            rule = f"a list in device_memory has one amount for each of {shown(list(indices))}"
            raise InvalidResources(name, value, rule)
        amounts = list(value)
    else:
        amounts = [value] * len(indices)
    return tuple(parse_amount(name, amount, ROUND_FLOOR) for amount in amounts)


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
    rule = f"{INDEX_RULE}, at most {MOST_DEVICES} of them"
    indices = []
    for index in value:
        if not is_index(index):
            raise InvalidResources(name, value, rule)
        indices.append(int(index))
    if len(set(indices)) != len(indices) or len(indices) > MOST_DEVICES or name == SLOTS:
        raise InvalidResources(name, value, "slots is a number" if name == SLOTS else rule)
    return tuple(sorted(indices))
