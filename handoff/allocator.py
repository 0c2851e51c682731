"""Which node each of several functions goes to: first available, pinned first, collocated ones together.

Pure: from functions and free amounts to names. The executable specification of what the scripts decide in Redis;
it claims nothing and knows neither capabilities nor reservations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from handoff.books import Books, Devices
from handoff.errors import DuplicateFunction, InvalidResources
from handoff.function import Collocated, Function
from handoff.resources import ALWAYS_DEVICES, SLOTS, UNIT, Number, Units, parse_capabilities, parse_cost

Free = Number | Mapping[int, Number] | Sequence[int]
"""What a node has free of one resource: an amount, {device index: free share}, or the indices of idle devices."""


class Allocator(Protocol):
    """A strategy: asked when functions are submitted, tried first, and checked by the script that claims."""

    def allocate(
        self, functions: Sequence[Function], free: Mapping[str, Mapping[str, Free]]
    ) -> Mapping[str, str | None]:
        """Name a node for every function id, or None where it fits on no node."""
        ...


@dataclass(frozen=True, slots=True)
class Group:
    """Functions that must share one node, decided together where the first of them stands.

    `lost` groups are collocated with a function that is not there, and fit nowhere.
    """

    members: tuple[Function, ...]
    costs: tuple[Units, ...]  #: one for each member, without slots
    pin: str | None
    lost: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a group went, and which devices each of its members took."""

    node: str
    devices: list[Devices]


class SimpleAllocator:
    """First available in the order of `free`, which counts down as functions are placed; `this_node` comes first."""

    def __init__(self, this_node: str | None = None) -> None:
        self._this_node = this_node

    def allocate(self, functions: Sequence[Function], free: Mapping[str, Mapping[str, Free]]) -> dict[str, str | None]:
        """Name a node for every function id, or None where it fits on no node, or is inline.

        `free` is {node: {resource: what is free}}. An amount of 1.5 gpu stands for one idle device and one of which
        half is free; {index: free share} says exactly which. Where a node's `slots` are given, every function takes
        one. Raises `DuplicateFunction` and `InvalidResources`.
        """
        books = {name: _read(free[name]) for name in sorted(free, key=lambda name: name != self._this_node)}
        nodes: dict[str, str | None] = dict.fromkeys(function.id for function in functions)
        for group in groups(functions):
            placed = place(group, books)
            if placed is not None:
                nodes.update((member.id, placed.node) for member in group.members)
        return nodes


def groups(functions: Iterable[Function]) -> list[Group]:
    """Gather collocated functions, in the order of deciding: the pinned groups first. Inline ones have no node."""
    known: dict[str, Function] = {}
    for function in functions:
        if function.id in known:
            raise DuplicateFunction(function.id)
        known[function.id] = function
    scheduled = {id: function for id, function in known.items() if function.type != "inline"}
    targets = _targets(scheduled)
    together: dict[str, list[Function]] = {}
    for function in scheduled.values():
        target = targets[function.id]
        together.setdefault(function.id if target is None else target.id, []).append(function)
    gathered = [_group(members, targets[members[0].id]) for members in together.values()]
    return sorted(gathered, key=lambda group: group.pin is None)


def place(group: Group, books: Mapping[str, Books]) -> Placed | None:
    """Take what `group` costs from the first of its candidates that can hold all of it; else change nothing."""
    for node in candidates(group, books):
        devices = books[node].take_all(_charged(group, books[node]))
        if devices is not None:
            return Placed(node, devices)
    return None


def candidates(group: Group, books: Mapping[str, Books]) -> list[str]:
    """The nodes that `group` may go to, room or not, in the order of `books`."""
    if group.lost:
        return []
    if group.pin is not None:
        return [group.pin] if group.pin in books else []
    return list(books)


def _group(members: Sequence[Function], target: Function | None) -> Group:
    pin = target.node if target is not None and isinstance(target.node, str) else None
    costs = tuple(parse_cost(member.cost) for member in members)
    return Group(tuple(members), costs, pin, lost=target is None)


def _targets(functions: Mapping[str, Function]) -> dict[str, Function | None]:
    """The function at the end of each one's chain of `Collocated`; None where that is missing or the chain a ring."""
    ends: dict[str, Function | None] = {}
    for function in functions.values():
        chain = [function.id]
        at: Function | None = function
        while at is not None and at.id not in ends and isinstance(at.node, Collocated):
            ends[at.id] = None  # Until the end is found; coming by here again means that there is none.
            chain.append(at.id)
            at = functions.get(at.node.id)
        end = None if at is None else ends.get(at.id, at)
        ends.update(dict.fromkeys(chain, end))
    return ends


def _charged(group: Group, books: Books) -> Sequence[Units]:
    if not books.limits(SLOTS):
        return group.costs
    return [{**cost, SLOTS: UNIT} for cost in group.costs]


def _read(free: Mapping[str, Free]) -> Books:
    sums: Units = {}
    devices: dict[str, dict[int, int]] = {}
    for name, value in free.items():
        if isinstance(value, Mapping):
            devices[name] = {index: _share(name, share) for index, share in value.items()}
        elif isinstance(value, (list, tuple)):
            devices[name] = dict.fromkeys(parse_capabilities({name: value}).devices.get(name, ()), UNIT)
        elif name in ALWAYS_DEVICES:
            idle, share = divmod(_units(name, value), UNIT)
            devices[name] = {**dict.fromkeys(range(idle), UNIT), idle: share}
        else:
            sums[name] = _units(name, value)
    return Books(sums, devices)


def _share(name: str, value: Number) -> int:
    units = _units(name, value)
    if units > UNIT:
        raise InvalidResources(name, value, "the free share of one device is from 0 to 1")
    return units


def _units(name: str, value: object) -> int:
    """Read a free amount, rounded down. It follows the rules of a sum: of devices any part may be free."""
    try:
        return parse_capabilities({"free": value}).units.get("free", 0)  # type: ignore[dict-item]
    except InvalidResources as error:
        raise InvalidResources(name, value, error.rule) from None
