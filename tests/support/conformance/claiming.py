"""Claims are made and released, and amounts are rounded."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from handoff.books.reservation import Reservation, ResourceTracker
from handoff.errors import InvalidResources, ResourcesUnavailable
from handoff.words.function import Function
from support.conformance.asking import refused
from support.placing import function
from support.waiting import LIMIT_S


class Claiming:
    def test_a_claim_takes_its_cost_until_it_is_released(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8, "memory": 16000})

        reservation = tracker.request("a", {"cpu": 3, "memory": 8000.5})

        assert (reservation.node, reservation.cost, reservation.devices) == ("a", {"cpu": 3, "memory": 8000.5}, {})
        assert isinstance(reservation, Reservation)
        assert tracker.available("a") == {"cpu": 5, "memory": 7999.5}
        assert tracker.capabilities("a") == {"cpu": 8, "memory": 16000}
        assert tracker.release(reservation) is True
        assert tracker.available("a") == {"cpu": 8, "memory": 16000}

    def test_a_full_node_tells_zero(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 2, "gpu": 1})
        tracker.request("a", {"cpu": 2, "gpu": 1})

        assert tracker.available("a") == {"cpu": 0, "gpu": 0}

    def test_no_cost_takes_nothing_and_is_still_a_claim(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 1})

        for cost in (None, {}, {"cpu": 0}):
            reservation = tracker.request("a", cost)

            assert (reservation.cost, reservation.devices) == ({}, {})
            assert tracker.available("a") == {"cpu": 1}
            assert tracker.release(reservation) is True

    def test_every_claim_has_an_id_of_its_own(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 5})

        assert len({tracker.request("a", {"cpu": 1}).id for _ in range(5)}) == 5

    def test_a_reservation_cannot_be_reassigned(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 5})
        reservation = tracker.request("a", {"cpu": 1})

        with pytest.raises(FrozenInstanceError):
            reservation.node = "b"  # type: ignore[misc]

    def test_a_second_release_gives_nothing_back(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8})
        reservation, _other = tracker.request("a", {"cpu": 3}), tracker.request("a", {"cpu": 3})

        assert [tracker.release(reservation) for _ in range(3)] == [True, False, False]
        assert tracker.available("a") == {"cpu": 5}

    def test_a_release_adds_back_what_the_record_says(self, tracker: ResourceTracker) -> None:
        for name in ("a", "b"):
            tracker.register_node(name, {"cpu": 4, "gpu": 2})
            tracker.request(name, {"cpu": 4, "gpu": 1})
        reservation = tracker.request("a", {"gpu": 1})

        assert tracker.release(replace(reservation, node="b", cost={"cpu": 9, "gpu": 2}, devices={"gpu": [0, 7]}))

        assert tracker.available("a") == {"cpu": 0, "gpu": 1}
        assert tracker.available("b") == {"cpu": 0, "gpu": 1}
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [1]}

    def test_a_reservation_that_nobody_made_is_not_released(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8})

        assert tracker.release(Reservation("no-such-id", "a", {"cpu": 1}, {})) is False
        assert tracker.available("a") == {"cpu": 8}

    def test_what_does_not_fit_is_refused_with_what_is_missing(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "memory": 100})
        tracker.request("a", {"cpu": 3})

        assert refused(tracker, "a", {"cpu": 2.5, "memory": 100, "tape": 2}) == {"cpu": 1.5, "tape": 2}

    def test_a_refused_claim_takes_nothing(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "memory": 100, "gpu": 1})

        refused(tracker, "a", {"cpu": 1, "gpu": 0.5, "memory": 101})

        assert tracker.available("a") == {"cpu": 4, "memory": 100, "gpu": 1}

    def test_what_is_available_is_what_a_request_would_get(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "gpu": 1})

        assert tracker.resources_available("a", {"cpu": 4, "gpu": 1}) is True
        assert tracker.resources_available("a", {"cpu": 4.0001}) is False
        assert tracker.resources_available("a", {"cpu": 1, "tape": 1}) is False
        assert tracker.resources_available("a", None) is True
        assert tracker.available("a") == {"cpu": 4, "gpu": 1}

    def test_a_claim_takes_no_slot(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "slots": 1})

        for _ in range(2):
            tracker.request("a", {"cpu": 1})
        tracker.allocate_and_claim([function("f", cpu=1), function("g", cpu=1)])

        assert tracker.available("a") == {"cpu": 0, "slots": 1}

    @pytest.mark.parametrize(
        "cost", [{"cpu": -1}, {"cpu": True}, {"cpu": "1"}, {"gpu": 1.5}, {"slots": 1}, {"a b": 1}, [1]], ids=repr
    )
    def test_a_bad_cost_is_refused_and_takes_nothing(self, tracker: ResourceTracker, cost: Any) -> None:
        tracker.register_node("a", {"cpu": 4, "gpu": 4})

        for call in (tracker.request, tracker.resources_available):
            with pytest.raises(InvalidResources):
                call("a", cost)

        assert tracker.available("a") == {"cpu": 4, "gpu": 4}

    @pytest.mark.parametrize("ttl", [0, -1, float("nan"), float("inf"), True, "5"], ids=repr)
    def test_a_bad_ttl_is_refused_and_takes_nothing(self, tracker: ResourceTracker, ttl: Any) -> None:
        tracker.register_node("a", {"cpu": 4})

        with pytest.raises(ValueError, match="ttl"):
            tracker.request("a", {"cpu": 1}, ttl=ttl)

        assert tracker.available("a") == {"cpu": 4}

    def test_a_claim_with_time_left_is_held_and_released_like_any_other(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4})

        reservation = tracker.request("a", {"cpu": 1}, ttl=3600)

        assert tracker.available("a") == {"cpu": 3}
        assert [tracker.release(reservation) for _ in range(2)] == [True, False]
        assert tracker.available("a") == {"cpu": 4}

    def test_claims_are_told_with_whose_they_are_those_held_longest_first(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "gpu": 2})
        first = tracker.request("a", {"cpu": 1})
        second = tracker.request("a", {"gpu": 1}, ttl=3600, owner="ci on build-1")
        third = tracker.allocate_and_claim([Function("f", "tasks:f", cost={"cpu": 1})], ttl=60, owner="batch")["f"]

        told = tracker.claims()

        assert {claim.reservation.id: claim.owner for claim in told} == {
            first.id: None, second.id: "ci on build-1", third.id: "batch",
        }  # fmt: skip
        assert sorted((claim.reservation for claim in told), key=lambda each: each.id) == sorted(
            (first, second, third), key=lambda each: each.id
        )
        by_id = {claim.reservation.id: claim for claim in told}
        assert by_id[first.id].left_s is None
        assert 0 < (by_id[second.id].left_s or 0) <= 3600
        assert 0 < (by_id[third.id].left_s or 0) <= 60
        assert [claim.held_s for claim in told] == sorted((claim.held_s for claim in told), reverse=True)
        assert tracker.release(told[0].reservation)
        assert told[0].reservation.id not in {claim.reservation.id for claim in tracker.claims()}

    @pytest.mark.parametrize(
        "owner", ["", " ", "two\nlines", "x" * 201, 5], ids=["empty", "blank", "two lines", "long", "a number"]
    )
    def test_a_bad_owner_is_refused_and_takes_nothing(self, tracker: ResourceTracker, owner: Any) -> None:
        tracker.register_node("a", {"cpu": 1})

        with pytest.raises(ValueError, match="owner"):
            tracker.request("a", {"cpu": 1}, owner=owner)
        with pytest.raises(ValueError, match="owner"):
            tracker.allocate_and_claim([Function("f", "tasks:f", cost={"cpu": 1})], owner=owner)

        assert tracker.available("a") == {"cpu": 1}
        assert tracker.claims() == []

    @pytest.mark.parametrize("ttl", [0, -1, float("nan"), "5"], ids=repr)
    def test_a_bad_ttl_of_several_is_refused_and_takes_nothing(self, tracker: ResourceTracker, ttl: Any) -> None:
        tracker.register_node("a", {"cpu": 1})

        with pytest.raises(ValueError, match="ttl"):
            tracker.allocate_and_claim([Function("f", "tasks:f", cost={"cpu": 1})], ttl=ttl)

        assert tracker.available("a") == {"cpu": 1}

    def test_a_deregistered_node_takes_its_claims_along(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "gpu": 1})
        reservation = tracker.request("a", {"cpu": 3, "gpu": 1})

        tracker.deregister_node("a")
        tracker.register_node("a", {"cpu": 4, "gpu": 1})

        assert tracker.release(reservation) is False
        assert tracker.available("a") == {"cpu": 4, "gpu": 1}

    def test_threads_never_claim_the_last_device_twice(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 3})
        everybody = threading.Barrier(8)

        def claim() -> list[int]:
            everybody.wait(timeout=LIMIT_S)
            try:
                return tracker.request("a", {"gpu": 1}).devices["gpu"]
            except ResourcesUnavailable:
                return []

        with ThreadPoolExecutor(8) as pool:
            got = [future.result(timeout=LIMIT_S) for future in [pool.submit(claim) for _ in range(8)]]

        assert sorted(index for indices in got for index in indices) == [0, 1, 2]


class Rounding:
    @pytest.fixture
    def many(self) -> int:
        """How often what rounds is done."""
        return 1000

    @pytest.mark.slow
    def test_many_cycles_of_a_tenth_leave_exactly_zero(self, tracker: ResourceTracker, many: int) -> None:
        tracker.register_node("a", {"cpu": many / 10})

        held = [tracker.request("a", {"cpu": 0.1}) for _ in range(many)]

        assert tracker.available("a") == {"cpu": 0}
        assert refused(tracker, "a", {"cpu": 0.0001}) == {"cpu": 0.0001}
        assert all(tracker.release(reservation) for reservation in held)
        assert tracker.available("a") == {"cpu": many / 10}

    @pytest.mark.slow
    def test_every_hundredth_up_to_ten_fits_a_node_that_has_exactly_that(
        self, tracker: ResourceTracker, many: int
    ) -> None:
        for hundredths in range(1, 1001, 1000 // many):
            amount = hundredths / 100
            tracker.register_node("a", {"cpu": amount})

            assert tracker.resources_available("a", {"cpu": amount}), amount
            assert tracker.capabilities("a") == {"cpu": amount}

    def test_requests_round_up(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 1})

        reservation = tracker.request("a", {"cpu": 0.00001, "memory": 0})

        assert reservation.cost == {"cpu": 0.0001}
        assert tracker.available("a") == {"cpu": 0.9999}

    def test_capabilities_round_down(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": Fraction(2, 3), "memory": 0.00009})

        assert tracker.capabilities("a") == {"cpu": 0.6666}

    def test_the_largest_amount_is_exact(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"bytes": 10**11})

        tracker.request("a", {"bytes": 0.0001})

        assert tracker.available("a") == {"bytes": float(Decimal("99999999999.9999"))}
        assert refused(tracker, "a", {"bytes": 10**11}) == {"bytes": 0.0001}

    def test_amounts_are_int_when_whole_and_else_float(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4.0, "memory": 1.5})

        cost = tracker.request("a", {"cpu": 2.0, "memory": 0.5}).cost

        assert [type(value) for value in tracker.capabilities("a").values()] == [int, float]
        assert [type(value) for value in tracker.available("a").values()] == [int, int]
        assert [type(value) for value in cost.values()] == [int, float]
