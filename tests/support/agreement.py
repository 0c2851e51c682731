"""What is free on nodes as the pure allocators are told it, kept beside a cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from handoff.books.allocator import LoadBalancedAllocator, Placed, SimpleAllocator, place
from handoff.books.free import Free
from handoff.books.groups import candidates, groups
from handoff.books.node_books import Books, Memory
from handoff.client.cluster import Cluster
from handoff.words.capabilities import Capabilities, parse_capabilities
from handoff.words.function import Function, Strategy
from handoff.words.resources import MEMORY_SUFFIX, SLOTS, UNIT, UNLIMITED, Units, device_of

CAPABILITIES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"cpu": st.sampled_from([2, 1, 4, 0.5, 8])},
    optional={
        "memory": st.sampled_from([100, 250.5, 1000]),
        "gpu": st.sampled_from([2, 1, 4, [0, 3], [7]]),
        "fpga": st.sampled_from([1.5, 1, [0], [2, 5]]),
        SLOTS: st.sampled_from([1, 3, 0]),
    },
)

SIZES = [24, 24, 16.5, 40]

LABELS: st.SearchStrategy[dict[str, str]] = st.fixed_dictionaries(
    {}, optional={"zone": st.sampled_from(["north", "south"]), "tier": st.sampled_from(["spot", "paid"])}
)


@dataclass(frozen=True, slots=True)
class Hold:
    """What somebody was told to hold."""

    node: str
    cost: Units
    devices: Mapping[str, Sequence[int]]


@dataclass(slots=True)
class Left:
    """What is left on one node; below zero where its capabilities were lowered under what is held."""

    sums: Counter[str]
    shares: dict[str, Counter[int]]
    memory: dict[str, dict[int, list[int]]]  #: of a device what is free, and all of it

    def __init__(self, capabilities: Capabilities) -> None:
        self.sums = Counter(capabilities.sums())
        self.shares = {name: Counter(dict.fromkeys(has, UNIT)) for name, has in capabilities.devices.items()}
        self.memory = {
            name: {index: [size, size] for index, size in zip(capabilities.devices[name], sizes, strict=True)}
            for name, sizes in capabilities.memory.items()
        }

    def take(self, hold: Hold) -> None:
        for name, units in hold.cost.items():
            indices, device = hold.devices.get(name, ()), device_of(name)
            for index in indices:
                self.shares.setdefault(name, Counter())[index] -= units // len(indices)
            if device in hold.devices:
                (index,) = hold.devices[device]
                self.memory.setdefault(device, {}).setdefault(index, [0, 0])[0] -= units
            elif not indices:
                self.sums[name] -= units

    def is_over(self) -> bool:
        amounts = [*self.sums.values(), *(units for shares in self.shares.values() for units in shares.values())]
        return min([*amounts, *(free for sizes in self.memory.values() for free, _ in sizes.values())]) < 0

    def free(self) -> dict[str, Free]:
        """As the allocators take it, devices by index."""
        free: dict[str, Free] = {name: Fraction(units, UNIT) for name, units in self.sums.items()}
        for name, shares in self.shares.items():
            free[name] = {index: Fraction(units, UNIT) for index, units in shares.items()}
        for name, sizes in self.memory.items():
            free[name + MEMORY_SUFFIX] = {
                index: (Fraction(free, UNIT), Fraction(size, UNIT)) for index, (free, size) in sizes.items()
            }
        return free

    def books(self) -> Books:
        """As `place` takes it."""
        memory: dict[str, Memory] = {
            name: {index: (free, size) for index, (free, size) in sizes.items()} for name, sizes in self.memory.items()
        }
        return Books(self.sums, self.shares, memory)


@dataclass(slots=True)
class Model:
    """Nodes in order and what is held on them, added up anew whenever somebody asks what is free."""

    strategy: Strategy
    takes_slots: bool  #: functions take them, claims do not
    capabilities: dict[str, Capabilities] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)

    def register(self, data: st.DataObject, cluster: Cluster, name: str) -> None:
        written, labels = data.draw(CAPABILITIES), data.draw(LABELS)
        gpus = parse_capabilities(written).devices.get("gpu", ())
        sizes = data.draw(st.lists(st.sampled_from(SIZES), min_size=len(gpus), max_size=len(gpus)) | st.none())
        memory = {"gpu": sizes} if gpus and sizes else None
        if memory is None and data.draw(st.booleans()):
            # Of a node that does not say of which device it is, it is a sum.
            written["gpu_memory"] = 24
        cluster.register_node(name, written, labels, memory)
        capabilities = parse_capabilities(written, memory)
        units = dict(capabilities.units)
        if self.takes_slots:
            units.setdefault(SLOTS, UNLIMITED)
        else:
            units.pop(SLOTS, None)
        self.capabilities[name] = Capabilities(units, capabilities.devices, capabilities.memory)
        self.labels[name] = labels

    def allocate(
        self, functions: Sequence[Function], among: Iterable[str] | None = None, first: str | None = None
    ) -> dict[str, str | None]:
        """What the pure allocator of the strategy says."""
        free = {name: left.free() for name, left in self._left(among).items()}
        if self.strategy == "first_available":
            return SimpleAllocator(first).allocate(functions, free, self.labels)
        capabilities = {
            name: {resource: Fraction(units, UNIT) for resource, units in has.units.items()}
            for name, has in self.capabilities.items()
        }
        return LoadBalancedAllocator(first).allocate(functions, free, self.labels, capabilities=capabilities)

    def places(self, functions: Sequence[Function], nodes: Mapping[str, str | None]) -> dict[str, Hold]:
        """What `Books` gives to functions that go to these nodes, slots left out."""
        books = {name: left.books() for name, left in self._left(None).items()}
        found: dict[str, Hold] = {}
        for group in groups(functions):
            node = nodes[group.members[0].id]
            assert node in candidates(group, books, self.labels)
            placed = place(group, books, [node])
            assert isinstance(placed, Placed)
            for member, cost, devices in zip(group.members, placed.costs, placed.devices, strict=True):
                found[member.id] = Hold(node, cost, devices)
        return found

    def _left(self, among: Iterable[str] | None) -> dict[str, Left]:
        """By node, without those that hold more than they have."""
        found = {}
        for name in self.capabilities if among is None else (name for name in among if name in self.capabilities):
            left = Left(self.capabilities[name])
            for hold in self.holds.values():
                if hold.node == name:
                    left.take(hold)
            if not left.is_over():
                found[name] = left
        return found
