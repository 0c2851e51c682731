"""What of a node, or of what all share, is reserved by what events say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from handoff.words.resources import UNIT


@dataclass(slots=True)
class Amounts:
    """What there is, and what of it is reserved, in units."""

    units: dict[str, int] = field(default_factory=dict)
    sizes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)  #: device resource -> index -> memory
    used: Counter[str] = field(default_factory=Counter)
    shares: Counter[tuple[str, str]] = field(default_factory=Counter)
    memory: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, cost: Mapping[str, int], devices: str, sign: int = 1) -> None:
        for name, units in cost.items():
            self.used[name] += sign * units
        for name, index, units, is_memory in _entries(devices):
            (self.memory if is_memory else self.shares)[name, index] += sign * units

    def excess(self, names: Iterable[str] | None = None) -> str | None:
        """What of it, or of these alone, is reserved beyond what there is; None where all fits."""
        for name in self.used if names is None else names:
            units = self.used[name]
            if units > self.units.get(name, 0):
                return f"{name}: {units} units of {self.units.get(name, 0)} are reserved"
        for (name, index), units in self.shares.items():
            has = UNIT if index in self.sizes.get(name, ()) else 0
            if units > has:
                return f"{name} {index}: {units} units of {has} are reserved"
            if units and self.memory[name, index]:
                return f"{name} {index} is reserved, and its memory too"
        for (name, index), units in self.memory.items():
            has = self.sizes.get(name, {}).get(index, 0)
            if units > has:
                return f"memory of {name} {index}: {units} units of {has} are reserved"
        return None

    def is_idle(self) -> bool:
        return not any([*self.used.values(), *self.shares.values(), *self.memory.values()])


def read_sizes(text: str) -> dict[str, dict[str, int]]:
    """Read the devices that a node offers: resource -> index -> memory in units, 0 where it is not shared out."""
    parts = (part.partition(":") for part in text.split(";") if part)
    return {name: dict(map(_size, entries.split(","))) for name, _, entries in parts if entries}


def _size(entry: str) -> tuple[str, int]:
    index, _, size = entry.partition("/")
    return index, int(size or 0)


def _entries(devices: str) -> Iterator[tuple[str, str, int, bool]]:
    for part in filter(None, devices.split(";")):
        name, _, entries = part.partition(":")
        for index, _, text in (entry.partition("=") for entry in entries.split(",")):
            yield name, index, int(text.removesuffix("m")), text.endswith("m")
