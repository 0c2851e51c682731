"""How much of each resource of a node is in use. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    free: Mapping[int, Amount] | None = None  #: of devices: index -> what it can still give

    def __str__(self) -> str:
        return f"{self.used}/{self.capacity}"


def use_of(node: Node) -> dict[str, Use]:
    """List every resource of a node with its use; slots only where they were given."""
    return {name: _use(node, name) for name in resources_of(node)}


def resources_of(node: Node) -> list[str]:
    """Name what a node has, slots only where they were given, and what is reserved of what it no longer lists."""
    names = [name for name, units in node.capabilities.items() if (name, units) != (SLOTS, UNLIMITED)]
    return names + [name for name, units in node.used.items() if units and name not in node.capabilities]


def _use(node: Node, name: str) -> Use:
    used, capacity = amount(node.used.get(name, 0)), amount(node.capabilities.get(name, 0))
    free = node.free_devices(name)
    if free is None:
        return Use(used, capacity, None)
    if name in node.devices:
        shares = {index: UNIT - share for index, share in sorted(node.devices[name].items())}
        return Use(used, capacity, _by_index(shares), None, _by_index(free))
    memory = sorted(node.memory[device_of(name)].items())
    reserved = {index: total - left for index, (left, total) in memory}
    sizes = {index: total for index, (_, total) in memory}
    return Use(used, capacity, _by_index(reserved), _by_index(sizes), _by_index(free))


def _by_index(units: Mapping[int, int]) -> dict[int, Amount]:
    return {index: amount(value) for index, value in units.items()}


def devices_in_words(use: Use) -> str:
    """Say what devices can still give: `device 0: taken, devices 1-3: free, device 4: 0.5 of 1 free`; '' of a sum."""
    told: dict[str, list[int]] = {}
    for index, free in (use.free or {}).items():
        told.setdefault(_left(free, use.sizes[index] if use.sizes else None), []).append(index)
    return ", ".join(
        f"device{'' if len(indices) == 1 else 's'} {_ranges(indices)}: {left}" for left, indices in told.items()
    )


def _left(free: Amount, size: Amount | None) -> str:
    if size is not None:
        return f"{free} of {size} free"
    if free in (0, 1):
        return "free" if free else "taken"
    return f"{free} of 1 free"


def _ranges(indices: Sequence[int]) -> str:
    """`0 2-5 7`."""
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return " ".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else " ".join(map(str, run)) for run in runs)
