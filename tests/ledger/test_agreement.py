"""The pure allocators and the scripts choose the same nodes, over random clusters and sequences, on both servers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handoff.books.free import Free
from handoff.books.reservation import Reservation
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import ResourcesUnavailable
from handoff.ledger.texts.demand import read_demand
from handoff.words.constraints import Not
from handoff.words.function import STRATEGIES, Collocated, Function, Strategy
from handoff.words.resources import SLOTS, UNIT, Units, amounts
from handoff.words.variants import After
from support.agreement import Hold, Model
from support.books import check_books
from support.thorough import THOROUGH

NAMES = ["c", "a", "e", "b", "d"]

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

a_few = settings(agreement, max_examples=5)
"""Of a sequence fakeredis takes the tenfold, and it is our scripts that are tried here."""

on_fakeredis = pytest.mark.parametrize("connection", ["fake"], indirect=True)

on_a_server = pytest.mark.parametrize("connection", ["real"], indirect=True)

both_strategies = pytest.mark.parametrize("strategy", STRATEGIES)


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


def claim_as_allocated(connection: redis.Redis, strategy: Strategy, data: st.DataObject) -> None:
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


@pytest.mark.slow
@pytest.mark.timeout(3600 if THOROUGH else 900)
@on_a_server
@both_strategies
@agreement
@given(data=st.data())
def test_allocate_and_claim_puts_functions_where_the_pure_allocator_does(
    connection: redis.Redis, strategy: Strategy, data: st.DataObject
) -> None:
    claim_as_allocated(connection, strategy, data)


@pytest.mark.slow
@on_fakeredis
@both_strategies
@a_few
@given(data=st.data())
def test_on_fakeredis_too_allocate_and_claim_puts_functions_where_the_pure_allocator_does(
    connection: redis.Redis, strategy: Strategy, data: st.DataObject
) -> None:
    claim_as_allocated(connection, strategy, data)


def submit_as_allocated(connection: redis.Redis, strategy: Strategy, data: st.DataObject) -> None:
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


@pytest.mark.slow
@pytest.mark.timeout(3600 if THOROUGH else 900)
@on_a_server
@both_strategies
@agreement
@given(data=st.data())
def test_submit_places_functions_where_the_pure_allocator_does(
    connection: redis.Redis, strategy: Strategy, data: st.DataObject
) -> None:
    submit_as_allocated(connection, strategy, data)


@pytest.mark.slow
@on_fakeredis
@both_strategies
@a_few
@given(data=st.data())
def test_on_fakeredis_too_submit_places_functions_where_the_pure_allocator_does(
    connection: redis.Redis, strategy: Strategy, data: st.DataObject
) -> None:
    submit_as_allocated(connection, strategy, data)
