"""How much of each resource of a node is in use. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handoff.ledger.nodes import Node
from handoff.words.resources import SLOTS, UNIT, UNLIMITED, Amount, amount, device_of


@dataclass(frozen=True, slots=True)
class Use:
    """How much of one resource of a node is in use."""

    used: Amount
    capacity: Amount  #: 0 for what is reserved of a resource that the node no longer lists
    devices: Mapping[int, Amount] | None  #: index -> what is in use of it; None for a resource that is a sum
    sizes: Mapping[int, Amount] | None = None  #: of memory of devices: index -> all of it


def use_of(node: Node) -> dict[str, Use]:
    """List every resource of a node with its use; slots only where they were given."""
    names = [name for name, units in node.capabilities.items() if (name, units) != (SLOTS, UNLIMITED)]
    names += [name for name, units in node.used.items() if units and name not in node.capabilities]
    return {name: _use(node, name) for name in names}


def _use(node: Node, name: str) -> Use:
    used, capacity = amount(node.used.get(name, 0)), amount(node.capabilities.get(name, 0))
    if name in node.devices:
        shares = {index: UNIT - free for index, free in sorted(node.devices[name].items())}
        return Use(used, capacity, _by_index(shares))
    if device_of(name) in node.memory:
        memory = sorted(node.memory[device_of(name)].items())
        reserved = {index: total - free for index, (free, total) in memory}
        return Use(used, capacity, _by_index(reserved), _by_index({index: total for index, (_, total) in memory}))
    return Use(used, capacity, None)


def _by_index(units: Mapping[int, int]) -> dict[int, Amount]:
    return {index: amount(value) for index, value in units.items()}
