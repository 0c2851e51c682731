"""Names that nobody may or does have are refused or told; what never fits waits and says why."""

from __future__ import annotations

import math
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import InvalidNode, ResourcesUnavailable, UnknownFunction, UnknownNode
from handoff.words.function import Function
from support.refused import assert_refused, dump, enqueue, submit, work


class TestNames:
    @pytest.mark.parametrize(
        "name", ["", "a b", "a/b", "a:b", "a,b", "a#b", "nöde", "a" * 129, "a\n", None, 7, b"a"], ids=repr
    )
    def test_a_node_name_that_breaks_the_rule_is_refused(self, busy: Cluster, name: Any) -> None:
        assert_refused(busy, lambda cluster: cluster.register_node(name, {"cpu": 1}), InvalidNode, repr(name))
        if name is not None:
            assert_refused(busy, submit(node=name), InvalidNode, repr(name))
            assert_refused(busy, enqueue(node=name), InvalidNode, repr(name))

    @pytest.mark.parametrize("namespace", ["", "a.b", "a:b", "a b", "a" * 65, "ü", None, 7], ids=repr)
    def test_a_namespace_that_breaks_the_rule_is_refused(self, connection: redis.Redis, namespace: Any) -> None:
        with pytest.raises(InvalidNode):
            Cluster(connection=connection, namespace=namespace)

    def test_a_node_that_nobody_knows_is_named(self, busy: Cluster) -> None:
        for call in (
            lambda cluster: cluster.deregister_node("gone"),
            lambda cluster: cluster.tracker.request("gone", {}),
            lambda cluster: cluster.tracker.available("gone"),
            lambda cluster: cluster.tracker.capabilities("gone"),
        ):
            assert_refused(busy, call, UnknownNode, "'gone'")
        assert not busy.resources_available("gone", {})

    @pytest.mark.parametrize("name", ["", "a b", "*", "a,b", "no:such"])
    def test_a_name_that_no_node_can_have_belongs_to_none(self, busy: Cluster, name: str) -> None:
        busy.register_node("b", {"cpu": 9})

        assert not busy.resources_available(name, {})
        for call in (
            lambda cluster: cluster.deregister_node(name),
            lambda cluster: cluster.tracker.request(name, {}),
            lambda cluster: cluster.tracker.available(name),
        ):
            assert_refused(busy, call, UnknownNode, repr(name))
        assert_refused(
            busy, lambda cluster: cluster.tracker.allocate_and_claim([Function("f", work)], nodes=[name]),
            ResourcesUnavailable,
        )  # fmt: skip

    @pytest.mark.parametrize("id", ["", "gone", "*", "queued:1", "no such"])
    def test_a_function_that_nobody_knows_is_named(self, busy: Cluster, id: str) -> None:
        assert_refused(busy, lambda cluster: cluster.handle(id), UnknownFunction, repr(id))

    @pytest.mark.parametrize("ttl", [0, -1, math.nan, math.inf, "1", True], ids=repr)
    def test_a_claim_lasts_for_finite_seconds_above_zero(self, busy: Cluster, ttl: Any) -> None:
        before = dump(busy.connection)

        with pytest.raises(ValueError, match="ttl"):
            busy.tracker.request("a", {}, ttl=ttl)

        assert dump(busy.connection) == before


class TestWhatNeverFits:
    def test_a_cost_larger_than_any_node_waits_as_infeasible_with_the_reason(self, busy: Cluster) -> None:
        verdict = busy.enqueue(work, cost={"cpu": 5, "gpu": 3}).verdict

        assert verdict is not None
        assert (verdict.state, verdict.node, verdict.devices) == ("infeasible", None, {})
        assert verdict.reason == "cpu 5 wanted, a has 4; gpu 3 wanted, a has 2"

    def test_an_unknown_pin_waits_as_infeasible_and_names_the_node(self, busy: Cluster) -> None:
        handle = busy.enqueue(work, node="gone")

        assert handle.verdict is not None
        assert handle.verdict.state == "infeasible"
        assert "node gone" in handle.verdict.reason
        assert handle.status == "waiting"

    def test_both_start_when_a_node_comes_that_has_it(self, cluster: Cluster) -> None:
        large, pinned = cluster.enqueue(work, cost={"cpu": 5}), cluster.enqueue(work, node="late")

        cluster.register_node("late", {"cpu": 5})

        assert (large.node, pinned.node) == ("late", "late")
