"""Amounts and names of resources that break a rule are refused everywhere; what only looks wrong is not."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import InvalidResources, ResourcesUnavailable
from handoff.words.function import Function
from support.refused import assert_refused, enqueue, submit, work

AMOUNTS = [
    (True, "not a bool"),
    (np.True_, "not a bool"),
    ("2", "is an int, float"),
    (None, "is an int, float"),
    ([1], "is an int, float"),
    (1 + 0j, "is an int, float"),
    (math.nan, "finite"),
    (math.inf, "finite"),
    (Decimal("NaN"), "finite"),
    (np.float32("inf"), "finite"),
    (-1, "at least 0"),
    (-0.00001, "at least 0"),
    (Fraction(-1, 3), "at least 0"),
    (10**11 + 1, "at most 10**11"),
    (1e12, "at most 10**11"),
    (Decimal("1e400"), "at most 10**11"),
]

NAMES = ["", "1cpu", "c pu", "cpu,gpu", "cpu=1", "cpu@a", "gpu#idle", "a" * 65, "größe", "cpu\n", 7, None, ("cpu",)]


class TestAmounts:
    @pytest.mark.parametrize(("value", "rule"), AMOUNTS, ids=[repr(value) for value, _ in AMOUNTS])
    def test_a_cost_that_breaks_a_rule_is_refused_everywhere(self, busy: Cluster, value: Any, rule: str) -> None:
        cost = {"memory": 1, "cpu": value}

        for call in (
            submit(cost=cost),
            enqueue(cost=cost),
            lambda cluster: cluster.resources_available("a", cost),
            lambda cluster: cluster.tracker.request("a", cost),
            lambda cluster: cluster.tracker.allocate_and_claim([Function("f", work, cost=cost)]),
        ):
            assert_refused(busy, call, InvalidResources, "'cpu'", repr(value), rule)

    @pytest.mark.parametrize(
        ("value", "rule"),
        [(value, rule) for value, rule in AMOUNTS if value != [1]],
        ids=[repr(value) for value, _ in AMOUNTS if value != [1]],
    )
    def test_a_capability_that_breaks_a_rule_is_refused(self, busy: Cluster, value: Any, rule: str) -> None:
        capabilities = {"memory": 1, "cpu": value}

        for call in (
            lambda cluster: cluster.register_node("a", capabilities),
            lambda cluster: cluster.register_node("new", capabilities),
        ):
            assert_refused(busy, call, InvalidResources, "'cpu'", rule)

    @pytest.mark.parametrize("name", NAMES, ids=repr)
    def test_a_name_that_breaks_the_rule_is_refused_everywhere(self, busy: Cluster, name: Any) -> None:
        amounts = {"cpu": 1, name: 1}

        for call in (
            submit(cost=amounts),
            lambda cluster: cluster.register_node("a", amounts),
            lambda cluster: cluster.register_node("new", amounts),
            lambda cluster: cluster.resources_available("a", amounts),
            lambda cluster: cluster.tracker.request("a", amounts),
        ):
            assert_refused(busy, call, InvalidResources, repr(name), "a name is")

    @pytest.mark.parametrize("cost", [1, "cpu=1", ["cpu"], {"cpu"}, [("cpu", 1)]], ids=repr)
    def test_a_cost_that_is_no_mapping_is_refused(self, busy: Cluster, cost: Any) -> None:
        for call in (submit(cost=cost), lambda cluster: cluster.register_node("a", cost)):
            assert_refused(busy, call, InvalidResources, "mapping")

    def test_slots_are_set_and_never_asked_for(self, busy: Cluster) -> None:
        for value in (1, 0, 2.5):
            assert_refused(busy, submit(cost={"slots": value}), InvalidResources, "'slots'", "slot by itself")

        busy.register_node("b", {"cpu": 1, "slots": 1})
        assert busy.discover_nodes()["b"] == {"cpu": 1, "slots": 1}

    @pytest.mark.parametrize("value", [1.5, 2.0001, Fraction(7, 2)])
    def test_devices_are_asked_for_whole_or_as_a_share_of_one(self, busy: Cluster, value: float) -> None:
        for call in (submit(cost={"gpu": value}), lambda cluster: cluster.tracker.request("a", {"gpu": value})):
            assert_refused(busy, call, InvalidResources, "'gpu'", "whole number", "share of one device")

    @pytest.mark.parametrize(
        "value",
        [1.5, 0.5, 4097, [0, 0], [-1], [0.5], [True], ["0"], [65536], list(range(4097))],
        ids=lambda value: str(value)[:12],
    )
    def test_a_node_lists_whole_and_distinct_devices(self, busy: Cluster, value: Any) -> None:
        assert_refused(busy, lambda cluster: cluster.register_node("a", {"gpu": value}), InvalidResources, "'gpu'")

    def test_slots_are_no_devices(self, busy: Cluster) -> None:
        assert_refused(busy, lambda cluster: cluster.register_node("a", {"slots": [0]}), InvalidResources, "'slots'")

    def test_one_and_a_half_of_a_declared_device_fits_nowhere(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"fpga": [0, 1]})

        assert not cluster.resources_available("a", {"fpga": 1.5})
        with pytest.raises(ResourcesUnavailable):
            cluster.tracker.request("a", {"fpga": 1.5})
        assert cluster.enqueue(work, cost={"fpga": 1.5}).verdict.state == "infeasible"  # type: ignore[union-attr]

    @pytest.mark.parametrize(
        "value",
        [0, 0.0, 10**11, 0.0001, Decimal("1E-9"), Fraction(1, 3), np.int64(2), np.float32(0.1), np.uint8(7), -0.0],
        ids=repr,
    )
    def test_everything_that_the_rules_allow_is_taken(self, cluster: Cluster, value: Any) -> None:
        cluster.register_node("a", {"cpu": 10**11})

        reservation = cluster.tracker.request("a", {"cpu": value})

        assert cluster.tracker.release(reservation)
        assert cluster.enqueue(work, cost={"cpu": value}).verdict.state == "placed"  # type: ignore[union-attr]

    def test_a_default_cost_keeps_the_same_rules(self, connection: redis.Redis) -> None:
        with pytest.raises(InvalidResources, match="'cpu'"):
            Cluster(connection=connection, default_cost={"cpu": -1})
