"""Which node each of several functions goes to: by strategy, pinned first, collocated ones together.

Pure: from functions, free amounts and labels to names. The executable specification of what the scripts decide in
Redis; it claims nothing and knows no reservations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Protocol

from handoff.books.node_books import Books, Devices, Memory
from handoff.errors import DuplicateFunction, InvalidResources
from handoff.words.constraints import Term, parse_where, pinned_to
from handoff.words.function import Collocated, Function, Strategy
from handoff.words.resources import (
    ALWAYS_DEVICES,
    SLOTS,
    UNIT,
    Number,
    Units,
    device_of,
    parse_capabilities,
)
from handoff.words.variants import costs_at_once, parse_variants

Free = Number | Mapping[int, Number | tuple[Number, Number]] | Sequence[int]
"""What a node has free of one resource: an amount, {device index: free share}, or the indices of idle devices.

Of the memory of devices {device index: free}, or {device index: (free, all of it)} where some of it is held.
"""

Labels = Mapping[str, Mapping[str, str]]
"""Node -> label -> value. Every node has the label `node` besides."""

MOST_OPTIONS = 256
"""How many ways to choose among the variants of collocated functions are tried."""


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
    options: tuple[tuple[Units, ...], ...]  #: what they may cost, best first; in each one for each member, no slots
    terms: tuple[Term, ...]  #: what must hold of the node, for any of them
    pin: str | None  #: the only node that `terms` leave, if they name one
    strategy: Strategy | None  #: of the one that the others are collocated with
    lost: bool

    @property
    def costs(self) -> tuple[Units, ...]:
        """What the members cost by the best of the options."""
        return self.options[0]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a group went, what each of its members costs there, and which devices it took."""

    node: str
    costs: tuple[Units, ...]
    devices: list[Devices]


class SimpleAllocator:
    """First available in the order of `free`, which counts down as functions are placed; `this_node` comes first."""

    def __init__(self, this_node: str | None = None) -> None:
        self._this_node = this_node

    def allocate(
        self,
        functions: Sequence[Function],
        free: Mapping[str, Mapping[str, Free]],
        labels: Labels | None = None,
    ) -> dict[str, str | None]:
        """Name a node for every function id, or None where it fits on no node, or is inline.

        `free` is {node: {resource: what is free}}. An amount of 1.5 gpu stands for one idle device and one of which
        half is free; {index: free share} says exactly which. Where a node's `slots` are given, every function takes
        one. Of several costs the first that fits anywhere counts, those behind `After` only where there is no other.
        Raises `DuplicateFunction`, `InvalidFunction`, `InvalidNode` and `InvalidResources`.
        """
        return _allocate(functions, _read_all(free, self._this_node), labels, lambda names, _: names)


class LoadBalancedAllocator:
    """Of the nodes that fit the one with the largest spare; of equals the first in `free`, `this_node` before all."""

    def __init__(self, this_node: str | None = None) -> None:
        self._this_node = this_node

    def allocate(
        self,
        functions: Sequence[Function],
        free: Mapping[str, Mapping[str, Free]],
        labels: Labels | None = None,
        *,
        capabilities: Mapping[str, Mapping[str, Number | Sequence[int]]] | None = None,
    ) -> dict[str, str | None]:
        """Name a node for every function id as `SimpleAllocator` does.

        `capabilities` is {node: {resource: all of it}}; a node that it does not list counts as idle at first.
        """
        books = _read_all(free, self._this_node)
        units = {name: _all_of((capabilities or {}).get(name), books[name]) for name in books}
        return _allocate(functions, books, labels, lambda names, books: by_spare(names, books, units))


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


def candidates(group: Group, books: Mapping[str, Books], labels: Labels | None = None) -> list[str]:
    """The nodes that `group` may go to, room or not, in the order of `books`."""
    if group.lost:
        return []
    known = labels or {}
    return [name for name in books if all(term.allows(name, known.get(name, {})) for term in group.terms)]


def place(group: Group, books: Mapping[str, Books], names: Sequence[str] | None = None) -> Placed | None:
    """Take the first of the group's options that fits any of `names`, from the first that fits it; else nothing.

    Without `names` they are its candidates where no node has labels.
    """
    among = candidates(group, books) if names is None else names
    for costs in group.options:
        for name in among:
            devices = books[name].take_all(_charged(costs, books[name]))
            if devices is not None:
                return Placed(name, costs, devices)
    return None


def by_spare(names: Iterable[str], books: Mapping[str, Books], capabilities: Mapping[str, Units]) -> list[str]:
    """Put nodes in the order of `load_balanced`: the largest spare first, equals as they stand."""
    return sorted(names, key=lambda name: -spare(capabilities[name], books[name].unheld()))


def spare(capabilities: Units, unheld: Mapping[str, int]) -> int:
    """How much of a node is left, in 1/10,000: the smallest share over all that it has.

    `unheld` is what nobody holds, whether or not it can still be given. In doubles and in this order of operations,
    as Lua has them.
    """
    shares = (max(unheld.get(name, 0), 0) / units * UNIT for name, units in capabilities.items() if units > 0)
    return math.floor(min(shares, default=UNIT))


def _allocate(
    functions: Sequence[Function],
    books: Mapping[str, Books],
    labels: Labels | None,
    order: Callable[[list[str], Mapping[str, Books]], list[str]],
) -> dict[str, str | None]:
    nodes: dict[str, str | None] = dict.fromkeys(function.id for function in functions)
    for group in groups(functions):
        placed = place(group, books, order(candidates(group, books, labels), books))
        if placed is not None:
            nodes.update((member.id, placed.node) for member in group.members)
    return nodes


def _group(members: Sequence[Function], target: Function | None) -> Group:
    terms: set[Term] = set()
    for member in members:
        pin = member.node if isinstance(member.node, str) else None
        terms.update(parse_where(member.where, pin, function_id=member.id))
    choices = [costs_at_once(parse_variants(member.cost)) for member in members]
    return Group(
        members=tuple(members),
        options=tuple(islice(product(*choices), MOST_OPTIONS)),
        terms=tuple(sorted(terms)),
        pin=pinned_to(terms),
        strategy=None if target is None else target.strategy,
        lost=target is None,
    )


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


def _charged(costs: Sequence[Units], books: Books) -> Sequence[Units]:
    if not books.limits(SLOTS):
        return costs
    return [{**cost, SLOTS: UNIT} for cost in costs]


def _all_of(capabilities: Mapping[str, Number | Sequence[int]] | None, books: Books) -> Units:
    if capabilities is None:
        return books.unheld()
    units = parse_capabilities(capabilities).units
    return {name: value for name, value in units.items() if name != SLOTS or books.limits(SLOTS)}


def _read_all(free: Mapping[str, Mapping[str, Free]], first: str | None) -> dict[str, Books]:
    return {name: _read(free[name]) for name in sorted(free, key=lambda name: name != first)}


def _read(free: Mapping[str, Free]) -> Books:
    sums: Units = {}
    devices: dict[str, dict[int, int]] = {}
    memory: dict[str, Memory] = {}
    for name, value in free.items():
        if isinstance(value, Mapping) and device_of(name) in free:
            memory[device_of(name)] = {index: _size(name, size) for index, size in value.items()}
        elif isinstance(value, Mapping):
            devices[name] = {index: _share(name, share) for index, share in value.items()}
        elif isinstance(value, (list, tuple)):
            devices[name] = dict.fromkeys(parse_capabilities({name: value}).devices.get(name, ()), UNIT)
        elif name in ALWAYS_DEVICES:
            idle, share = divmod(_units(name, value), UNIT)
            devices[name] = {**dict.fromkeys(range(idle), UNIT), idle: share}
        else:
            sums[name] = _units(name, value)
    return Books(sums, devices, memory)


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
    try:
        return parse_capabilities({"free": value}).units.get("free", 0)  # type: ignore[dict-item]
    except InvalidResources as error:
        raise InvalidResources(name, value, error.rule) from None
