"""Claims go only where labels allow it."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.books.reservation import ResourceTracker
from handoff.errors import InvalidFunction, InvalidNode, ResourcesUnavailable
from handoff.words.constraints import Not
from handoff.words.function import Collocated
from support.conformance.asking import labelled
from support.placing import where


class Labels:
    @pytest.mark.parametrize(
        ("wanted", "node"),
        [
            pytest.param({}, "a", id="nothing"),
            pytest.param({"zone": "y"}, "b", id="a value"),
            pytest.param({"zone": ["z", "y"]}, "b", id="one of several"),
            pytest.param({"tier": Not("spot")}, "b", id="not that one"),
            pytest.param({"zone": Not(["y", "z"])}, "a", id="none of several"),
            pytest.param({"zone": "x", "tier": Not("spot")}, "c", id="all of several terms"),
            pytest.param({"gpu_model": "A100 (80GB)"}, "c", id="a value with a space"),
            pytest.param({"node": "b"}, "b", id="its name"),
            pytest.param({"node": ["c", "b"]}, "b", id="one of several names in the order of the nodes"),
            pytest.param({"node": Not("a"), "zone": "x"}, "c", id="any other name"),
        ],
    )
    def test_a_function_goes_to_the_first_node_that_satisfies_where(
        self, tracker: ResourceTracker, wanted: dict[str, Any], node: str
    ) -> None:
        labelled(tracker)

        assert tracker.allocate_and_claim([where("f", **wanted)])["f"].node == node

    @pytest.mark.parametrize(
        "wanted",
        [
            {"zone": "z"},
            {"zone": "X"},
            {"rack": "1"},
            {"zone": "y", "tier": "spot"},
            {"node": "z"},
            {"node": Not(["a", "b", "c"])},
        ],
        ids=repr,
    )
    def test_where_no_node_satisfies_it_all_of_the_cost_is_missing(
        self, tracker: ResourceTracker, wanted: dict[str, Any]
    ) -> None:
        labelled(tracker)

        with pytest.raises(ResourcesUnavailable) as caught:
            tracker.allocate_and_claim([where("f", **wanted)])

        assert caught.value.short == {"cpu": 1}

    def test_a_full_node_that_satisfies_it_tells_what_is_missing(self, tracker: ResourceTracker) -> None:
        labelled(tracker)

        with pytest.raises(ResourcesUnavailable) as caught:
            tracker.allocate_and_claim([where("f", tier="spot"), where("g", tier="spot", cpu=0.5)])

        assert (caught.value.node, caught.value.short) == (None, {"cpu": 0.5})
        assert tracker.available("a") == {"cpu": 1}

    def test_labels_are_neither_capabilities_nor_asked_of_a_node_that_is_named(self, tracker: ResourceTracker) -> None:
        labelled(tracker)

        assert tracker.discover_nodes() == {"a": {"cpu": 1}, "b": {"cpu": 1}, "c": {"cpu": 1}}
        assert tracker.request("b", {"cpu": 1}).node == "b"

    def test_one_name_is_a_pin(self, tracker: ResourceTracker) -> None:
        labelled(tracker)

        claims = tracker.allocate_and_claim([where("f"), where("g", node="a")])
        assert {id: claim.node for id, claim in claims.items()} == {"f": "b", "g": "a"}
        with pytest.raises(ResourcesUnavailable) as caught:
            tracker.allocate_and_claim([where("h", node="a")])

        assert (caught.value.node, caught.value.short) == ("a", {"cpu": 1})

    def test_a_pin_and_where_must_both_hold(self, tracker: ResourceTracker) -> None:
        labelled(tracker)

        assert tracker.allocate_and_claim([where("f", "c", zone="x")])["f"].node == "c"
        for function in (where("g", "b", zone="x"), where("g", "b", node="a"), where("g", "b", node=Not("b"))):
            with pytest.raises(ResourcesUnavailable):
                tracker.allocate_and_claim([function])

    def test_only_given_nodes_are_looked_at_and_only_if_they_satisfy_it(self, tracker: ResourceTracker) -> None:
        labelled(tracker)

        assert tracker.allocate_and_claim([where("f", zone="x")], nodes=["b", "c", "a"])["f"].node == "c"
        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([where("g", zone="x")], nodes=["b"])

    def test_what_any_of_collocated_functions_asks_for_must_hold_for_all(self, tracker: ResourceTracker) -> None:
        labelled(tracker)

        claims = tracker.allocate_and_claim(
            [where("f", cpu=0.5, zone="x"), where("g", Collocated("f"), cpu=0.25, tier=Not("spot"))]
        )
        assert {claim.node for claim in claims.values()} == {"c"}
        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([where("f", cpu=0.1, zone="x"), where("g", Collocated("f"), cpu=0.1, zone="y")])

    def test_registering_again_replaces_the_labels(self, tracker: ResourceTracker) -> None:
        labelled(tracker)

        tracker.register_node("a", {"cpu": 1}, labels={"tier": "fixed"})
        assert tracker.allocate_and_claim([where("f", zone="x")])["f"].node == "c"
        assert tracker.allocate_and_claim([where("f", tier="fixed")])["f"].node == "a"

        tracker.register_node("c", {"cpu": 2})
        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([where("f", zone="x")])

    def test_a_node_that_was_deregistered_leaves_no_labels(self, tracker: ResourceTracker) -> None:
        labelled(tracker)

        tracker.deregister_node("b")
        tracker.register_node("b", {"cpu": 1})

        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([where("f", zone="y")])

    @pytest.mark.parametrize(
        "labels", [{"node": "a"}, {"zo ne": "x"}, {"zone": ""}, {"zone": "x|y"}, {"zone": 1}, {"zone": ["x"]}, "zone=x"]
    )
    def test_bad_labels_change_nothing(self, tracker: ResourceTracker, labels: Any) -> None:
        labelled(tracker)

        for name in ("a", "z"):
            with pytest.raises(InvalidNode):
                tracker.register_node(name, {"cpu": 5}, labels=labels)

        assert tracker.discover_nodes() == {"a": {"cpu": 1}, "b": {"cpu": 1}, "c": {"cpu": 1}}
        assert tracker.allocate_and_claim([where("f", tier="spot")])["f"].node == "a"

    def test_a_bad_where_claims_nothing(self, tracker: ResourceTracker) -> None:
        labelled(tracker)

        with pytest.raises(InvalidFunction) as caught:
            tracker.allocate_and_claim([where("f"), where("g", zone=[])])

        assert caught.value.function_id == "g"
        assert tracker.available("a") == {"cpu": 1}
