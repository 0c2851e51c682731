"""Which node each of several functions goes to: by strategy, pinned first, collocated ones together.

Pure: from functions, free amounts and labels to names. The executable specification of what the scripts decide in
Redis; it claims nothing and knows no reservations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from handoff.books.free import Free, read_free
from handoff.books.groups import Group, Labels, candidates, groups
from handoff.books.node_books import Books, Devices
from handoff.errors import shown
from handoff.words.capabilities import parse_capabilities
from handoff.words.constraints import parse_labels
from handoff.words.function import Function
from handoff.words.names import check_node_name, is_node_name
from handoff.words.resources import SLOTS, UNIT, Number, Units


class Allocator(Protocol):
    """A strategy: asked when functions are submitted, tried first, and checked by the script that claims."""

    def allocate(
        self, functions: Sequence[Function], free: Mapping[str, Mapping[str, Free]]
    ) -> Mapping[str, str | None]:
        """Name a node for every function id, or None where it fits on no node."""
        ...


def check_allocator(allocator: Allocator | None) -> Allocator | None:
    """Return a user's allocator if it can be asked, else raise `ValueError`."""
    if allocator is not None and not callable(getattr(allocator, "allocate", None)):
        raise ValueError(f"allocator is {shown(allocator)}: give an object with allocate(functions, free), or None")
    return allocator


def check_answer(answer: object) -> dict[str, str]:
    """Read what a user's allocator said: a node by function id, where it names one. Raises `ValueError`.

    A name that no node can have is passed over, like one that no node has.
    """
    if not isinstance(answer, Mapping):
        raise ValueError(f"the allocator answered {shown(answer)}: let it return a mapping of function ids to nodes")
    for node in answer.values():
        if node is not None and not isinstance(node, str):
            raise ValueError(f"the allocator named the node {shown(node)}: let it name nodes as it is given them")
    return {id: node for id, node in answer.items() if node and is_node_name(node)}


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
        given = _mapping("capabilities", capabilities)
        units = {name: _all_of(given.get(name), books[name]) for name in books}
        return _allocate(functions, books, labels, lambda names, books: by_spare(names, books, units))


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
    gathered = groups(functions)
    nodes: dict[str, str | None] = dict.fromkeys(function.id for function in functions)
    known = {name: parse_labels(name, given) for name, given in _mapping("labels", labels).items()}
    for group in gathered:
        placed = place(group, books, order(candidates(group, books, known), books))
        if placed is not None:
            nodes.update((member.id, placed.node) for member in group.members)
    return nodes


def _charged(costs: Sequence[Units], books: Books) -> Sequence[Units]:
    if not books.limits(SLOTS):
        return costs
    return [{**cost, SLOTS: UNIT} for cost in costs]


def _all_of(capabilities: Mapping[str, Number | Sequence[int]] | None, books: Books) -> Units:
    if capabilities is None:
        return books.unheld()
    units = parse_capabilities(capabilities).units
    return {name: value for name, value in units.items() if name != SLOTS or books.limits(SLOTS)}


def _mapping(name: str, given: Any) -> Mapping[str, Any]:
    """Read what is given by node. Raises `InvalidNode` for a name, and `ValueError`."""
    if given is not None and not isinstance(given, Mapping):
        raise ValueError(f"{name} is {shown(given)}: give a mapping by node, such as {{'a': {{...}}}}")
    for node in given or {}:
        check_node_name(node)
    return given or {}


def _read_all(free: Mapping[str, Mapping[str, Free]], first: str | None) -> dict[str, Books]:
    if first is not None:
        check_node_name(first)
    free = _mapping("free", free)
    return {name: read_free(free[name]) for name in sorted(free, key=lambda name: name != first)}
