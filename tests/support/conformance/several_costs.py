"""Of several costs the first that fits is claimed."""

from __future__ import annotations

import pytest

from handoff.books.reservation import ResourceTracker
from handoff.errors import InvalidResources, ResourcesUnavailable
from handoff.words.function import Collocated, Function
from handoff.words.variants import After
from support.placing import either


class Variants:
    def test_of_several_costs_the_first_that_fits_any_node_is_claimed(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8})
        tracker.register_node("b", {"cpu": 8, "gpu": 1})

        claims = tracker.allocate_and_claim([either(id, {"gpu": 1}, {"cpu": 5}, {"cpu": 2}) for id in "fghi"])

        assert [(claim.node, claim.cost) for claim in claims.values()] == [
            ("b", {"gpu": 1}),
            ("a", {"cpu": 5}),
            ("b", {"cpu": 5}),
            ("a", {"cpu": 2}),
        ]
        assert [claim.devices for claim in claims.values()] == [{"gpu": [0]}, {}, {}, {}]
        assert tracker.release(claims["g"])
        assert tracker.available("a") == {"cpu": 6}

    def test_what_is_for_later_is_not_claimed(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8})

        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([either("f", {"gpu": 1}, After(30, {"cpu": 1}))])
        claims = tracker.allocate_and_claim([either("f", {"gpu": 1}, After(30, {"cpu": 1}), {"cpu": 2})])

        assert claims["f"].cost == {"cpu": 2}

    def test_if_all_are_for_later_the_first_is_claimed_or_nothing(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8})

        claims = tracker.allocate_and_claim([either("f", After(30, {"cpu": 3}), After(5, {"cpu": 1}))])
        assert claims["f"].cost == {"cpu": 3}
        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([either("f", After(5, {"gpu": 1}), After(30, {"cpu": 1}))])

    def test_a_pin_and_where_hold_for_each_of_several_costs(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8}, labels={"zone": "x"})
        tracker.register_node("b", {"cpu": 8, "gpu": 1})

        assert tracker.allocate_and_claim([either("f", {"gpu": 1}, {"cpu": 1}, node="a")])["f"].node == "a"
        zoned = Function("f", "module:f", cost=[{"gpu": 1}, {"cpu": 1}], where={"zone": "x"})
        assert tracker.allocate_and_claim([zoned])["f"].cost == {"cpu": 1}

    def test_collocated_functions_choose_among_their_costs_together(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 3})
        tracker.register_node("b", {"cpu": 3, "gpu": 1})

        claims = tracker.allocate_and_claim(
            [either("f", {"gpu": 1}, {"cpu": 2}), either("g", {"gpu": 1}, {"cpu": 3}, node=Collocated("f"))]
        )

        assert {id: (claim.node, claim.cost) for id, claim in claims.items()} == {
            "f": ("b", {"gpu": 1}),
            "g": ("b", {"cpu": 3}),
        }

    def test_a_bad_list_of_costs_claims_nothing(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8, "gpu": 2})

        for function in (either("g"), either("g", {"cpu": 1}, {"gpu": 1.5}), either("g", After(0, {"cpu": 1}))):
            with pytest.raises(InvalidResources):
                tracker.allocate_and_claim([either("f", {"cpu": 1}), function])

        assert tracker.available("a") == {"cpu": 8, "gpu": 2}
