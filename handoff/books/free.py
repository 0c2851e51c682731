"""What a node has free, as users write it, read into books."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_FLOOR
from typing import cast

from handoff.books.node_books import Books, Memory
from handoff.errors import InvalidResources
from handoff.words.capabilities import INDEX_RULE, MOST_DEVICES, is_index, parse_capabilities
from handoff.words.resources import ALWAYS_DEVICES, UNIT, Number, Units, device_of, items_of, parse_amount

Free = Number | Mapping[int, Number | tuple[Number, Number]] | Sequence[int]
"""What a node has free of one resource: an amount, {device index: free share}, or the indices of idle devices.

Of the memory of devices {device index: free}, or {device index: (free, all of it)} where some of it is held.
"""


def read_free(free: Mapping[str, Free]) -> Books:
    """Read the free amounts of one node, by resource. Raises `InvalidResources`."""
    sums: Units = {}
    devices: dict[str, dict[int, int]] = {}
    memory: dict[str, Memory] = {}
    for name, value in cast(Iterable[tuple[str, Free]], items_of(free)):
        if isinstance(value, Mapping) and device_of(name) in free:
            memory[device_of(name)] = {_index(name, index): _size(name, size) for index, size in value.items()}
        elif isinstance(value, Mapping):
            devices[name] = {_index(name, index): _share(name, share) for index, share in value.items()}
        elif isinstance(value, (list, tuple)):
            devices[name] = dict.fromkeys(parse_capabilities({name: value}).devices.get(name, ()), UNIT)
        elif name in ALWAYS_DEVICES:
            idle, share = divmod(_units(name, value), UNIT)
            if idle > MOST_DEVICES:
                raise InvalidResources(name, value, f"a node has at most {MOST_DEVICES} devices of a kind")
            devices[name] = {**dict.fromkeys(range(idle), UNIT), idle: share}
        else:
            sums[name] = _units(name, value)
    return Books(sums, devices, memory)


def _index(name: str, index: object) -> int:
    if not is_index(index):
        raise InvalidResources(name, index, INDEX_RULE)
    return index


def _share(name: str, value: object) -> int:
    units = _units(name, value)
    if units > UNIT:
        raise InvalidResources(name, value, "the free share of one device is from 0 to 1")
    return units


def _size(name: str, value: object) -> tuple[int, int]:
    if not isinstance(value, tuple):
        return (_units(name, value),) * 2
    free, whole = (_units(name, each) for each in value) if len(value) == 2 else (1, 0)
    if free > whole:
        raise InvalidResources(name, value, "memory of a device is what is free, or (what is free, all of it)")
    return free, whole


def _units(name: str, value: object) -> int:
    """Read a free amount, rounded down. It follows the rules of a sum: of devices any part may be free."""
    if isinstance(value, (list, tuple)):
        raise InvalidResources(name, value, "what is free of one device is a number")
    return parse_amount(name, value, ROUND_FLOOR)
