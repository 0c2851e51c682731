"""Several functions are claimed for together, or none is."""

from __future__ import annotations

import pytest

from handoff.books.reservation import ResourceTracker
from handoff.errors import DuplicateFunction, InvalidResources, ResourcesUnavailable
from handoff.words.function import Collocated, Function
from support.placing import function


class Allocating:
    def test_functions_go_to_the_first_node_with_room(self, tracker: ResourceTracker) -> None:
        tracker.register_node("b", {"cpu": 4})
        tracker.register_node("a", {"cpu": 4, "gpu": 1})

        claims = tracker.allocate_and_claim(
            [function("f", cpu=3), function("g", cpu=2, gpu=0.5), function("h", cpu=1), function("i")]
        )

        assert list(claims) == ["f", "g", "h", "i"]
        assert {id: claim.node for id, claim in claims.items()} == {"f": "b", "g": "a", "h": "b", "i": "b"}
        assert claims["g"].cost == {"cpu": 2, "gpu": 0.5}
        assert claims["g"].devices == {"gpu": [0]}
        assert tracker.available("b") == {"cpu": 0}
        assert tracker.available("a") == {"cpu": 2, "gpu": 0.5}

    def test_every_claim_is_released_by_itself(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "gpu": 2})
        claims = tracker.allocate_and_claim([function("f", cpu=3, gpu=1), function("g", cpu=1, gpu=1)])

        assert tracker.release(claims["f"]) is True
        assert tracker.available("a") == {"cpu": 3, "gpu": 1}
        assert tracker.release(claims["g"]) is True
        assert [tracker.release(claim) for claim in claims.values()] == [False, False]
        assert tracker.available("a") == {"cpu": 4, "gpu": 2}

    def test_if_one_function_does_not_fit_nothing_is_claimed(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4})
        tracker.register_node("b", {"cpu": 4})

        with pytest.raises(ResourcesUnavailable) as caught:
            tracker.allocate_and_claim([function("f", cpu=3), function("g", cpu=3), function("h", cpu=3)])

        assert caught.value.node is None
        assert caught.value.short == {"cpu": 2}
        assert [tracker.available(node) for node in ("a", "b")] == [{"cpu": 4}, {"cpu": 4}]

    def test_no_functions_claim_nothing(self, tracker: ResourceTracker) -> None:
        assert tracker.allocate_and_claim([]) == {}

    def test_without_nodes_all_of_the_cost_is_missing(self, tracker: ResourceTracker) -> None:
        with pytest.raises(ResourcesUnavailable) as caught:
            tracker.allocate_and_claim([function("f", cpu=3, gpu=0.5)])

        assert (caught.value.node, caught.value.short) == (None, {"cpu": 3, "gpu": 0.5})

    def test_pinned_functions_are_placed_before_the_others(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4})
        tracker.register_node("b", {"cpu": 4})

        claims = tracker.allocate_and_claim([function("f", cpu=4), function("g", "a", cpu=4)])

        assert list(claims) == ["f", "g"]
        assert {id: claim.node for id, claim in claims.items()} == {"f": "b", "g": "a"}

    def test_a_pin_that_has_no_room_is_named(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4})
        tracker.register_node("b", {"cpu": 1})

        with pytest.raises(ResourcesUnavailable) as caught:
            tracker.allocate_and_claim([function("f", cpu=1), function("g", "b", cpu=3)])

        assert (caught.value.node, caught.value.short) == ("b", {"cpu": 2})
        assert tracker.available("a") == {"cpu": 4}

    def test_a_pin_on_an_unknown_node_is_named(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4})

        with pytest.raises(ResourcesUnavailable) as caught:
            tracker.allocate_and_claim([function("f", "z", cpu=3)])

        assert (caught.value.node, caught.value.short) == ("z", {"cpu": 3})

    def test_collocated_functions_are_claimed_on_one_node(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 3, "gpu": 1})
        tracker.register_node("b", {"cpu": 4, "gpu": 1})

        claims = tracker.allocate_and_claim(
            [
                function("f", Collocated("g"), cpu=2, gpu=0.5),
                function("g", cpu=2, gpu=0.25),
                function("h", Collocated("f"), gpu=0.25),
            ]
        )

        assert {claim.node for claim in claims.values()} == {"b"}
        assert claims["f"].cost == {"cpu": 2, "gpu": 0.5}
        assert [claim.devices for claim in claims.values()] == [{"gpu": [0]}] * 3
        assert tracker.available("b") == {"cpu": 0, "gpu": 0}

    def test_collocated_functions_that_fit_no_node_together_claim_nothing(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 3})

        with pytest.raises(ResourcesUnavailable) as caught:
            tracker.allocate_and_claim([function("f", cpu=2), function("g", Collocated("f"), cpu=2)])

        assert (caught.value.node, caught.value.short) == (None, {"cpu": 1})
        assert tracker.available("a") == {"cpu": 3}

    def test_collocation_with_a_function_that_is_not_there_claims_nothing(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8})

        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([function("f", cpu=1), function("g", Collocated("z"), cpu=1)])

        assert tracker.available("a") == {"cpu": 8}

    def test_only_the_given_nodes_are_candidates(self, tracker: ResourceTracker) -> None:
        for name in ("a", "b", "c"):
            tracker.register_node(name, {"cpu": 1})

        claims = tracker.allocate_and_claim([function("f", cpu=1)], nodes=["b"])

        assert claims["f"].node == "b"
        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([function("g", cpu=1)], nodes=["b"])
        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([function("g", "a", cpu=1)], nodes=["c"])
        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([function("g", cpu=1)], nodes=[])

    def test_the_given_nodes_are_tried_in_the_order_given(self, tracker: ResourceTracker) -> None:
        for name in ("a", "b", "c"):
            tracker.register_node(name, {"cpu": 1})

        claims = tracker.allocate_and_claim([function("f", cpu=1), function("g", cpu=1)], nodes=["c", "a"])

        assert [claim.node for claim in claims.values()] == ["c", "a"]

    def test_a_given_node_that_is_not_live_is_passed_over(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 1})

        claims = tracker.allocate_and_claim([function("f", cpu=1)], nodes=["z", "a"])

        assert claims["f"].node == "a"

    def test_an_inline_function_has_no_node_and_claims_nothing(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 1})

        claims = tracker.allocate_and_claim(
            [Function("f", "module:f", cost={"cpu": 1}, type="inline"), function("g", cpu=1)]
        )

        assert list(claims) == ["g"]

    def test_two_functions_of_one_id_claim_nothing(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4})

        with pytest.raises(DuplicateFunction):
            tracker.allocate_and_claim([function("f", cpu=1), function("f", cpu=1)])

        assert tracker.available("a") == {"cpu": 4}

    def test_a_bad_cost_claims_nothing(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "gpu": 4})

        with pytest.raises(InvalidResources):
            tracker.allocate_and_claim([function("f", cpu=1), function("g", gpu=1.5)])

        assert tracker.available("a") == {"cpu": 4, "gpu": 4}
