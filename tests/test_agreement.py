"""SimpleAllocator and the scripts decide alike: the same nodes, over random clusters and sequences, on both servers."""

from __future__ import annotations

import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff.allocator import Free, SimpleAllocator, groups, place
from handoff.books import Books
from handoff.cluster import Cluster
from handoff.errors import ResourcesUnavailable
from handoff.function import Collocated, Function
from handoff.handles import Handle
from handoff.reservation import Reservation
from handoff.resources import SLOTS, UNIT, Capabilities, parse_capabilities, parse_cost
from support.books import check_books
from support.oracle import with_slots

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
COSTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from([1, 0.5, 2, 0.0001, 3]),
        "memory": st.sampled_from([100, 0.5, 500]),
        "gpu": st.sampled_from([0.5, 0.3, 0.7, 1, 2]),
        "fpga": st.sampled_from([0.5, 1, 1.5, 2]),
    },
)

agreement = settings(
    max_examples=1000 if THOROUGH else 80, deadline=None, print_blob=True, suppress_health_check=list(HealthCheck)
)


@dataclass(frozen=True, slots=True)
class Hold:
    """What somebody was told to hold."""

    node: str
    cost: dict[str, int]
    devices: Mapping[str, Sequence[int]]


@dataclass(slots=True)
class Model:
    """Nodes in order and what is held on them, added up anew whenever somebody asks what is free."""

    capabilities: dict[str, Capabilities] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)

    def free(self, among: Iterable[str] | None = None, *, slots: bool = True) -> dict[str, dict[str, Free]]:
        """As `SimpleAllocator` takes it, devices by index; nodes that hold more than they have are left out."""
        free: dict[str, dict[str, Free]] = {}
        for name, (sums, devices) in self._units(among, slots).items():
            free[name] = {resource: Fraction(units, UNIT) for resource, units in sums.items()}
            for resource, shares in devices.items():
                free[name][resource] = {index: Fraction(units, UNIT) for index, units in shares.items()}
        return free

    def books(self, among: Iterable[str] | None = None) -> dict[str, Books]:
        """As `place` takes it, without slots."""
        return {name: Books(sums, devices) for name, (sums, devices) in self._units(among, slots=False).items()}

    def _units(
        self, among: Iterable[str] | None, slots: bool
    ) -> dict[str, tuple[dict[str, int], dict[str, dict[int, int]]]]:
        found = {}
        for name in self.capabilities if among is None else (name for name in among if name in self.capabilities):
            sums, devices = self._left(name)
            if min([*sums.values(), *(units for shares in devices.values() for units in shares.values())]) >= 0:
                kept = {resource: units for resource, units in sums.items() if slots or resource != SLOTS}
                found[name] = kept, devices
        return found

    def _left(self, name: str) -> tuple[dict[str, int], dict[str, dict[int, int]]]:
        """Capabilities less what is held; below zero where they were lowered under it."""
        capabilities = self.capabilities[name]
        sums = Counter(capabilities.units)
        devices: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for resource, indices in capabilities.devices.items():
            del sums[resource]
            devices[resource].update(dict.fromkeys(indices, UNIT))
        for hold in self.holds.values():
            if hold.node == name:
                for resource, units in hold.cost.items():
                    indices = tuple(hold.devices.get(resource, ()))
                    for index in indices:
                        devices[resource][index] -= units // len(indices)
                    if not indices:
                        sums[resource] -= units
        return dict(sums), {resource: dict(shares) for resource, shares in devices.items()}


class Chosen:
    """A user's allocator that always names the same node."""

    def __init__(self) -> None:
        self.node: str | None = None

    def allocate(self, functions: Sequence[Function], free: Mapping[str, Mapping[str, Free]]) -> dict[str, str | None]:
        return {function.id: self.node for function in functions}


@contextmanager
def clean_cluster(connection: redis.Redis, allocator: Chosen | None = None) -> Iterator[Cluster]:
    with Cluster(connection=connection, namespace=f"g{uuid.uuid4().hex[:12]}", allocator=allocator) as cluster:
        yield cluster
        check_books(cluster.store)


def register(data: st.DataObject, cluster: Cluster, model: Model, name: str) -> None:
    capabilities = data.draw(CAPABILITIES)
    cluster.register_node(name, capabilities)
    model.capabilities[name] = with_slots(parse_capabilities(capabilities))


def some_functions(data: st.DataObject) -> list[Function]:
    ids = [f"f{number}" for number in range(data.draw(st.integers(1, 4)))]
    places = st.sampled_from([None, None, None, *NAMES[:2], "z", *(Collocated(id) for id in ids)])
    types: st.SearchStrategy[Any] = st.sampled_from(["regular"] * 7 + ["inline"])
    return [
        Function(id, "module:f", cost=data.draw(COSTS), node=data.draw(places), type=data.draw(types)) for id in ids
    ]


def devices_by_books(functions: list[Function], books: dict[str, Books]) -> dict[str, Any]:
    found = {}
    for group in groups(functions):
        placed = place(group, books)
        assert placed is not None
        found.update({member.id: devices for member, devices in zip(group.members, placed.devices, strict=True)})
    return found


@pytest.mark.timeout(3600 if THOROUGH else 120)
@agreement
@given(data=st.data())
def test_allocate_and_claim_puts_functions_where_the_simple_allocator_does(
    connection: redis.Redis, data: st.DataObject
) -> None:
    """On the devices that `Books` tells. Claims take no slot."""
    model = Model()
    claimed: dict[str, Reservation] = {}
    with clean_cluster(connection) as cluster:
        for name in NAMES[: data.draw(st.integers(1, 5))]:
            register(data, cluster, model, name)

        for _ in range(data.draw(st.integers(1, 12))):
            if claimed and data.draw(st.integers(0, 2)) == 0:
                id = data.draw(st.sampled_from(list(claimed)))
                assert cluster.tracker.release(claimed.pop(id))
                del model.holds[id]
            if data.draw(st.integers(0, 5)) == 0:
                register(data, cluster, model, data.draw(st.sampled_from(NAMES)))
            among = data.draw(st.none() | st.permutations(NAMES).map(lambda names: names[:3]))
            functions = some_functions(data)

            expected = SimpleAllocator().allocate(functions, model.free(among, slots=False))

            scheduled = {id: expected[id] for id in expected if functions[int(id[1:])].type != "inline"}
            if None in scheduled.values():
                with pytest.raises(ResourcesUnavailable):
                    cluster.tracker.allocate_and_claim(functions, among)
                continue
            claims = cluster.tracker.allocate_and_claim(functions, among)
            assert {id: claim.node for id, claim in claims.items()} == scheduled
            devices = {id: claim.devices for id, claim in claims.items()}
            assert devices == devices_by_books(functions, model.books(among))
            for id, claim in claims.items():
                claimed[claim.id] = claim
                model.holds[claim.id] = Hold(claim.node, parse_cost(functions[int(id[1:])].cost), claim.devices)


@pytest.mark.timeout(3600 if THOROUGH else 120)
@agreement
@given(data=st.data())
def test_submit_places_functions_where_the_simple_allocator_does(connection: redis.Redis, data: st.DataObject) -> None:
    """One by one, each with a slot; what does not fit is canceled, so that nothing waits. A chosen node comes first."""
    model, chosen = Model(), Chosen()
    placed: dict[str, Handle] = {}
    with clean_cluster(connection, chosen) as cluster:
        for name in NAMES[: data.draw(st.integers(1, 5))]:
            register(data, cluster, model, name)

        for _ in range(data.draw(st.integers(1, 25))):
            if placed and data.draw(st.integers(0, 2)) == 0:
                id = data.draw(st.sampled_from(list(placed)))
                assert placed.pop(id).cancel()
                del model.holds[id]
            if data.draw(st.integers(0, 5)) == 0:
                register(data, cluster, model, data.draw(st.sampled_from(NAMES)))
            chosen.node = data.draw(st.sampled_from([None, None, *NAMES]))
            function = Function(
                "f", "module:f", cost=data.draw(COSTS), node=data.draw(st.sampled_from([None, None, None, *NAMES]))
            )

            expected = SimpleAllocator(chosen.node).allocate([function], model.free())["f"]

            handle = cluster.submit(function)
            assert handle.verdict is not None
            assert handle.verdict.node == expected
            if expected is None:
                assert handle.cancel()
            else:
                placed[handle.id] = handle
                cost = {**parse_cost(function.cost), SLOTS: UNIT}
                assert devices_by_books([function], {expected: model.books()[expected]})["f"] == handle.verdict.devices
                model.holds[handle.id] = Hold(expected, cost, handle.verdict.devices)
