"""The pure allocators and the scripts choose the same nodes, over random clusters and sequences, on both servers."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff.books.allocator import LoadBalancedAllocator, Placed, SimpleAllocator, place
from handoff.books.free import Free
from handoff.books.groups import candidates, groups
from handoff.books.node_books import Books, Memory
from handoff.books.reservation import Reservation
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import ResourcesUnavailable
from handoff.ledger.texts.demand import read_demand
from handoff.words.capabilities import Capabilities, parse_capabilities
from handoff.words.constraints import Not
from handoff.words.function import STRATEGIES, Collocated, Function, Strategy
from handoff.words.resources import MEMORY_SUFFIX, SLOTS, UNIT, UNLIMITED, Units, amounts, device_of
from handoff.words.variants import After
from support.books import check_books

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"

NAMES = ["c", "a", "e", "b", "d"]

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
COSTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from([1, 0.5, 2, 0.0001, 3]),
        "memory": st.sampled_from([100, 0.5, 500]),
        "fpga": st.sampled_from([0.5, 1, 1.5, 2]),
    },
).flatmap(
    lambda cost: st.sampled_from(
        [cost] * 3
        + [{**cost, "gpu": units} for units in (0.5, 0.3, 0.7, 1, 2)]
        + [{**cost, "gpu_memory": size} for size in (6, 8.5, 12, 20, 30)]
    )
)
PLAIN_FIRST: st.SearchStrategy[Any] = st.lists(COSTS | st.builds(After, st.just(60), COSTS), max_size=2).flatmap(
    lambda rest: COSTS.map(lambda first: [first, *rest])
)
WHERE: st.SearchStrategy[Any] = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "zone": st.sampled_from(["north", ["north", "south"], Not("north")]),
        "tier": st.sampled_from(["paid", Not("spot"), Not(["spot", "paid"])]),
        "node": st.sampled_from([Not("a"), ["a", "b", "c"]]),
    },
)

agreement = settings(
    max_examples=1000 if THOROUGH else 60, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)
both_strategies = pytest.mark.parametrize("strategy", STRATEGIES)


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


class Chosen:
    """A user's allocator that always names the same node."""

    def __init__(self) -> None:
        self.node: str | None = None

    def allocate(self, functions: Sequence[Function], free: Mapping[str, Mapping[str, Free]]) -> dict[str, str | None]:
        return {function.id: self.node for function in functions}


@contextmanager
def clean_cluster(connection: redis.Redis, strategy: Strategy, allocator: Chosen | None = None) -> Iterator[Cluster]:
    namespace = f"g{uuid.uuid4().hex[:12]}"
    with Cluster(connection=connection, namespace=namespace, allocator=allocator, strategy=strategy) as cluster:
        yield cluster
        check_books(cluster.store)


def cost_of(cluster: Cluster, handle: Handle) -> Units:
    """What it was placed with."""
    client: Any = cluster.connection
    demand, variant = client.hmget(cluster.store.keys("rq_job", handle.id), "h_demand", "h_variant")
    return read_demand(demand.decode()).variants[int(variant or 0)].cost


def some_functions(data: st.DataObject) -> list[Function]:
    ids = [f"f{number}" for number in range(data.draw(st.integers(1, 4)))]
    places = st.sampled_from([None, None, None, *NAMES[:2], "z", *(Collocated(id) for id in ids)])
    types: st.SearchStrategy[Any] = st.sampled_from(["regular"] * 7 + ["inline"])
    costs = COSTS | PLAIN_FIRST | st.lists(st.builds(After, st.just(60), COSTS), min_size=1, max_size=2)
    return [
        Function(
            id,
            "module:f",
            cost=data.draw(costs),
            node=data.draw(places),
            where=data.draw(WHERE),
            type=data.draw(types),
        )
        for id in ids
    ]


@pytest.mark.timeout(3600 if THOROUGH else 120)
@both_strategies
@agreement
@given(data=st.data())
def test_allocate_and_claim_puts_functions_where_the_pure_allocator_does(
    connection: redis.Redis, strategy: Strategy, data: st.DataObject
) -> None:
    """On the devices that `Books` tells, at the cost that fits first. Claims take no slot."""
    model = Model(strategy, takes_slots=False)
    claimed: dict[str, Reservation] = {}
    with clean_cluster(connection, strategy) as cluster:
        for name in NAMES[: data.draw(st.integers(1, 5))]:
            model.register(data, cluster, name)

        for _ in range(data.draw(st.integers(1, 12))):
            if claimed and data.draw(st.integers(0, 2)) == 0:
                id = data.draw(st.sampled_from(list(claimed)))
                assert cluster.tracker.release(claimed.pop(id))
                del model.holds[id]
            if data.draw(st.integers(0, 5)) == 0:
                model.register(data, cluster, data.draw(st.sampled_from(NAMES)))
            among = data.draw(st.none() | st.permutations(NAMES).map(lambda names: names[:3]))
            functions = some_functions(data)

            expected = model.allocate(functions, among)

            scheduled = {id: expected[id] for id in expected if functions[int(id[1:])].type != "inline"}
            if None in scheduled.values():
                with pytest.raises(ResourcesUnavailable):
                    cluster.tracker.allocate_and_claim(functions, among)
                continue
            claims = cluster.tracker.allocate_and_claim(functions, among)
            assert {id: claim.node for id, claim in claims.items()} == scheduled
            holds = model.places(functions, scheduled)
            for id, claim in claims.items():
                assert claim.devices == holds[id].devices
                assert claim.cost == amounts(holds[id].cost)
                claimed[claim.id] = claim
                model.holds[claim.id] = holds[id]


@pytest.mark.timeout(3600 if THOROUGH else 120)
@both_strategies
@agreement
@given(data=st.data())
def test_submit_places_functions_where_the_pure_allocator_does(
    connection: redis.Redis, strategy: Strategy, data: st.DataObject
) -> None:
    """One by one, each with a slot; what does not fit is canceled, so that nothing waits. A chosen node comes first."""
    model, chosen = Model(strategy, takes_slots=True), Chosen()
    placed: dict[str, Handle] = {}
    with clean_cluster(connection, data.draw(st.sampled_from(STRATEGIES)), chosen) as cluster:
        for name in NAMES[: data.draw(st.integers(1, 5))]:
            model.register(data, cluster, name)

        for _ in range(data.draw(st.integers(1, 25))):
            if placed and data.draw(st.integers(0, 2)) == 0:
                id = data.draw(st.sampled_from(list(placed)))
                assert placed.pop(id).cancel()
                del model.holds[id]
            if data.draw(st.integers(0, 5)) == 0:
                model.register(data, cluster, data.draw(st.sampled_from(NAMES)))
            if strategy == "first_available":
                chosen.node = data.draw(st.sampled_from([None, None, *NAMES]))
            function = Function(
                "f",
                "module:f",
                cost=data.draw(COSTS | PLAIN_FIRST),
                node=data.draw(st.sampled_from([None, None, None, *NAMES])),
                where=data.draw(WHERE),
                strategy=strategy,
            )

            expected = model.allocate([function], first=chosen.node)["f"]

            handle = cluster.submit(function)
            assert handle.verdict is not None
            assert handle.verdict.node == expected
            if expected is None:
                assert handle.cancel()
            else:
                placed[handle.id] = handle
                hold = model.places([function], {"f": expected})["f"]
                assert handle.verdict.devices == hold.devices
                cost = cost_of(cluster, handle)
                assert cost == {**hold.cost, SLOTS: UNIT}
                model.holds[handle.id] = Hold(expected, cost, hold.devices)
