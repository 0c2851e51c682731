"""What every ResourceTracker must do, as tests: subclass `TrackerConformance` and give it a fixture `tracker`.

The tracker is empty before each test. Nothing here waits or looks at a clock, and only the protocol is used.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from handoff.books.reservation import Reservation, ResourceTracker
from handoff.errors import (
    DuplicateFunction,
    InvalidFunction,
    InvalidNode,
    InvalidResources,
    ResourcesUnavailable,
    UnknownNode,
)
from handoff.words.constraints import Not
from handoff.words.function import Collocated, Function
from handoff.words.variants import After


def function(id: str, node: str | Collocated | None = None, **cost: float) -> Function:
    return Function(id, "module:f", cost=cost, node=node)


def refused(tracker: ResourceTracker, node: str, cost: dict[str, Any]) -> dict[str, int | float]:
    """What a request that must not fit is said to be short of."""
    with pytest.raises(ResourcesUnavailable) as caught:
        tracker.request(node, cost)
    assert caught.value.node == node
    return caught.value.short


class Registering:
    def test_a_registered_node_is_discovered_with_its_capabilities(self, tracker: ResourceTracker) -> None:
        tracker.register_node("node1@example.com", {"cpu": 8, "memory": 16000.5, "gpu": 2, "special": 1})

        expected = {"cpu": 8, "memory": 16000.5, "gpu": 2, "special": 1}
        assert tracker.discover_nodes() == {"node1@example.com": expected}
        assert tracker.capabilities("node1@example.com") == expected
        assert tracker.available("node1@example.com") == expected

    def test_an_empty_tracker_discovers_nothing(self, tracker: ResourceTracker) -> None:
        assert tracker.discover_nodes() == {}

    def test_a_node_may_have_nothing(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 0})

        assert tracker.discover_nodes() == {"a": {}}
        assert tracker.resources_available("a", {})
        assert not tracker.resources_available("a", {"cpu": 0.0001})

    def test_nodes_are_discovered_in_the_order_of_their_first_registration(self, tracker: ResourceTracker) -> None:
        for name in ("c", "a", "b"):
            tracker.register_node(name, {"cpu": 1})
        tracker.register_node("c", {"cpu": 2})

        assert list(tracker.discover_nodes()) == ["c", "a", "b"]

    def test_a_node_that_was_deregistered_comes_back_at_the_end(self, tracker: ResourceTracker) -> None:
        for name in ("a", "b"):
            tracker.register_node(name, {"cpu": 1})

        tracker.deregister_node("a")
        tracker.register_node("a", {"cpu": 1})

        assert list(tracker.discover_nodes()) == ["b", "a"]

    def test_devices_by_list_are_counted(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": [0, 3], "fpga": [1]})

        assert tracker.capabilities("a") == {"gpu": 2, "fpga": 1}

    def test_slots_show_only_where_they_were_given(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 1, "slots": 4})
        tracker.register_node("b", {"cpu": 1})

        assert tracker.discover_nodes() == {"a": {"cpu": 1, "slots": 4}, "b": {"cpu": 1}}
        assert tracker.available("a") == {"cpu": 1, "slots": 4}
        assert tracker.available("b") == {"cpu": 1}

    @pytest.mark.parametrize("name", ["", "a b", "a,b", "a" * 129, None, 5], ids=repr)
    def test_a_bad_name_is_refused_and_not_registered(self, tracker: ResourceTracker, name: Any) -> None:
        with pytest.raises(InvalidNode):
            tracker.register_node(name, {"cpu": 1})

        assert tracker.discover_nodes() == {}

    @pytest.mark.parametrize(
        "capabilities",
        [{"cpu": -1}, {"cpu": True}, {"cpu": "1"}, {"gpu": 1.5}, {"gpu": [0, 0]}, {"a b": 1}, {"slots": [1]}],
        ids=repr,
    )
    def test_bad_capabilities_change_nothing(self, tracker: ResourceTracker, capabilities: Any) -> None:
        tracker.register_node("a", {"cpu": 1})

        for name in ("a", "b"):
            with pytest.raises(InvalidResources):
                tracker.register_node(name, {"memory": 5, **capabilities})

        assert tracker.discover_nodes() == {"a": {"cpu": 1}}

    def test_changing_what_was_handed_out_changes_nothing_inside(self, tracker: ResourceTracker) -> None:
        capabilities: dict[str, Any] = {"cpu": 1, "gpu": [0]}
        tracker.register_node("a", capabilities)
        reservation = tracker.request("a", {"gpu": 1})

        capabilities["gpu"].append(1)
        tracker.discover_nodes()["a"]["cpu"] = 5
        tracker.capabilities("a")["cpu"] = 5
        reservation.devices["gpu"].append(1)
        reservation.cost["gpu"] = 2

        assert tracker.capabilities("a") == {"cpu": 1, "gpu": 1}
        assert tracker.release(reservation)
        assert tracker.available("a") == {"cpu": 1, "gpu": 1}
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [0]}


class UnknownNodes:
    def test_an_unknown_node_has_nothing_available(self, tracker: ResourceTracker) -> None:
        assert tracker.resources_available("z", {}) is False
        assert tracker.resources_available("z", {"cpu": 1}) is False

    def test_all_else_about_an_unknown_node_is_an_error(self, tracker: ResourceTracker) -> None:
        for call in (
            lambda: tracker.request("z", {"cpu": 1}),
            lambda: tracker.capabilities("z"),
            lambda: tracker.available("z"),
            lambda: tracker.deregister_node("z"),
        ):
            with pytest.raises(UnknownNode) as caught:
                call()

            assert caught.value.node == "z"

    def test_a_deregistered_node_is_unknown(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 1})
        tracker.deregister_node("a")

        assert tracker.resources_available("a", {"cpu": 1}) is False
        with pytest.raises(UnknownNode):
            tracker.request("a", {"cpu": 1})
        with pytest.raises(UnknownNode):
            tracker.deregister_node("a")

    def test_a_bad_cost_is_told_before_an_unknown_node(self, tracker: ResourceTracker) -> None:
        with pytest.raises(InvalidResources):
            tracker.request("z", {"cpu": -1})
        with pytest.raises(InvalidResources):
            tracker.resources_available("z", {"slots": 1})


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
            everybody.wait(timeout=10)
            try:
                return tracker.request("a", {"gpu": 1}).devices["gpu"]
            except ResourcesUnavailable:
                return []

        with ThreadPoolExecutor(8) as pool:
            got = [future.result(timeout=20) for future in [pool.submit(claim) for _ in range(8)]]

        assert sorted(index for indices in got for index in indices) == [0, 1, 2]


class Rounding:
    def test_a_thousand_cycles_of_a_tenth_leave_exactly_zero(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 100})

        held = [tracker.request("a", {"cpu": 0.1}) for _ in range(1000)]

        assert tracker.available("a") == {"cpu": 0}
        assert refused(tracker, "a", {"cpu": 0.0001}) == {"cpu": 0.0001}
        assert all(tracker.release(reservation) for reservation in held)
        assert tracker.available("a") == {"cpu": 100}

    def test_every_hundredth_up_to_ten_fits_a_node_that_has_exactly_that(self, tracker: ResourceTracker) -> None:
        for hundredths in range(1, 1001):
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


class DeviceChoice:
    def test_whole_devices_are_taken_lowest_index_first(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": [7, 2, 11, 5]})

        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [2]}
        assert tracker.request("a", {"gpu": 2}).devices == {"gpu": [5, 7]}
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [11]}

    def test_a_released_device_is_taken_again(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 3})
        first = tracker.request("a", {"gpu": 1})
        tracker.request("a", {"gpu": 1})

        tracker.release(first)

        assert tracker.request("a", {"gpu": 2}).devices == {"gpu": [0, 2]}

    def test_ten_and_more_devices_are_ordered_as_numbers(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 12})

        assert tracker.request("a", {"gpu": 11}).devices == {"gpu": list(range(11))}

    def test_a_share_takes_the_fullest_device_that_still_has_room(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 3})

        taken = [tracker.request("a", {"gpu": share}).devices["gpu"] for share in (0.5, 0.6, 0.4, 0.3, 0.2)]

        # Free after each: .5 1 1 | .5 .4 1 | .5 0 1 | .2 0 1 | 0 0 1
        assert taken == [[0], [1], [1], [0], [0]]
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [2]}

    def test_of_equally_full_devices_a_share_takes_the_lowest_index(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": [4, 9]})
        shares = [tracker.request("a", {"gpu": 0.6}) for _ in range(2)]

        assert [share.devices for share in shares] == [{"gpu": [4]}, {"gpu": [9]}]
        assert tracker.request("a", {"gpu": 0.25}).devices == {"gpu": [4]}

    def test_a_whole_device_does_not_fit_beside_a_share(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 2})
        tracker.request("a", {"gpu": 0.0001})

        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [1]}
        assert refused(tracker, "a", {"gpu": 1}) == {"gpu": 1}
        assert tracker.available("a") == {"gpu": 0.9999}

    def test_a_device_is_idle_again_when_its_last_share_is_released(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 1})
        shares = [tracker.request("a", {"gpu": 0.5}) for _ in range(2)]

        tracker.release(shares[1])
        assert not tracker.resources_available("a", {"gpu": 1})
        tracker.release(shares[0])

        assert tracker.resources_available("a", {"gpu": 1})

    def test_three_thirds_rounded_up_do_not_fit_one_device(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 1})
        for _ in range(2):
            tracker.request("a", {"gpu": Fraction(1, 3)})

        assert refused(tracker, "a", {"gpu": Fraction(1, 3)}) == {"gpu": 0.0002}

    def test_free_shares_of_several_devices_do_not_add_up(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 2})
        for _ in range(2):
            tracker.request("a", {"gpu": 0.6})

        assert tracker.available("a") == {"gpu": 0.8}
        assert refused(tracker, "a", {"gpu": 0.5}) == {"gpu": 0.1}

    def test_missing_idle_devices_are_counted(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 3})
        tracker.request("a", {"gpu": 1})
        tracker.request("a", {"gpu": 0.5})

        assert refused(tracker, "a", {"gpu": 4}) == {"gpu": 3}

    def test_a_node_without_devices_is_short_of_all_that_is_asked(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 3})

        assert refused(tracker, "a", {"gpu": 2}) == {"gpu": 2}
        assert refused(tracker, "a", {"gpu": 0.5}) == {"gpu": 0.5}

    def test_a_list_makes_any_resource_one_of_devices(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"fpga": [3, 8], "gpu": 1})

        reservation = tracker.request("a", {"fpga": 1, "gpu": 0.5})

        assert reservation.devices == {"fpga": [3], "gpu": [0]}
        assert tracker.available("a") == {"fpga": 1, "gpu": 0.5}
        assert refused(tracker, "a", {"fpga": 2}) == {"fpga": 1}

    def test_one_and_a_half_never_fits_devices(self, tracker: ResourceTracker) -> None:
        tracker.register_node("devices", {"fpga": [0, 1, 2]})
        tracker.register_node("sum", {"fpga": 3})

        assert refused(tracker, "devices", {"fpga": 1.5}) == {"fpga": 1.5}
        assert tracker.request("sum", {"fpga": 1.5}).devices == {}


class Reregistering:
    def test_registering_again_changes_the_capabilities_and_keeps_what_is_reserved(
        self, tracker: ResourceTracker
    ) -> None:
        tracker.register_node("a", {"cpu": 4, "memory": 100, "gpu": 1})
        reservation = tracker.request("a", {"cpu": 3, "gpu": 1})

        tracker.register_node("a", {"cpu": 6, "gpu": 2, "tape": 1})

        assert tracker.capabilities("a") == {"cpu": 6, "gpu": 2, "tape": 1}
        assert tracker.available("a") == {"cpu": 3, "gpu": 1, "tape": 1}
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [1]}
        assert tracker.release(reservation)
        assert tracker.available("a") == {"cpu": 6, "gpu": 1, "tape": 1}

    def test_nothing_is_placed_on_a_node_lowered_below_use_until_it_fits_again(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "memory": 100})
        held = [tracker.request("a", {"cpu": 1}) for _ in range(4)]
        tracker.register_node("a", {"cpu": 2, "memory": 100})

        fitting = []
        for reservation in held:
            fitting.append(tracker.resources_available("a", {"memory": 1}))
            tracker.release(reservation)

        # 4, 3, 2 and 1 of 2 are held: only the last two fit.
        assert fitting == [False, False, True, True]
        assert tracker.available("a") == {"cpu": 2, "memory": 100}

    def test_a_node_lowered_below_use_is_short_of_what_it_lacks_for_what_it_holds(
        self, tracker: ResourceTracker
    ) -> None:
        tracker.register_node("a", {"cpu": 4, "memory": 100})
        tracker.request("a", {"cpu": 3})
        tracker.register_node("a", {"cpu": 1, "memory": 100})

        assert refused(tracker, "a", {"memory": 1}) == {"cpu": 2}
        assert refused(tracker, "a", {"cpu": 1, "memory": 150}) == {"cpu": 3, "memory": 50}
        assert refused(tracker, "a", {}) == {"cpu": 2}
        with pytest.raises(ResourcesUnavailable):
            tracker.allocate_and_claim([function("f", memory=1)])

    def test_a_resource_lowered_below_use_tells_zero(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "memory": 100})
        tracker.request("a", {"cpu": 3})

        tracker.register_node("a", {"cpu": 1, "memory": 100})

        assert tracker.available("a") == {"cpu": 0, "memory": 100}

    def test_a_resource_removed_while_held_blocks_its_node_until_released(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 4, "tape": 1})
        reservation = tracker.request("a", {"tape": 1})

        tracker.register_node("a", {"cpu": 4})

        assert tracker.available("a") == {"cpu": 4}
        assert refused(tracker, "a", {"cpu": 1}) == {"tape": 1}
        assert tracker.release(reservation)
        assert tracker.resources_available("a", {"cpu": 4})
        assert not tracker.resources_available("a", {"tape": 1})

    def test_a_raised_node_is_used_at_once(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 1})
        tracker.request("a", {"cpu": 1})
        tracker.register_node("a", {})
        assert not tracker.resources_available("a", {})

        tracker.register_node("a", {"cpu": 2})

        assert tracker.resources_available("a", {"cpu": 1})

    def test_a_device_removed_while_idle_is_not_handed_out(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": [0, 1, 2]})

        tracker.register_node("a", {"gpu": [1]})

        assert tracker.available("a") == {"gpu": 1}
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [1]}
        assert refused(tracker, "a", {"gpu": 1}) == {"gpu": 1}

    def test_a_device_removed_while_held_comes_back_only_by_being_listed_again(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": [0, 1], "cpu": 1})
        reservation = tracker.request("a", {"gpu": 1})
        assert reservation.devices == {"gpu": [0]}

        tracker.register_node("a", {"gpu": [1], "cpu": 1})
        assert tracker.available("a") == {"gpu": 1, "cpu": 1}
        assert refused(tracker, "a", {"cpu": 1}) == {"gpu": 1}

        assert tracker.release(reservation)
        assert tracker.available("a") == {"gpu": 1, "cpu": 1}
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [1]}

        tracker.register_node("a", {"gpu": [0, 1], "cpu": 1})
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [0]}

    def test_a_device_added_later_is_still_taken_lowest_index_first(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": [5]})

        tracker.register_node("a", {"gpu": [2, 5]})

        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [2]}

    def test_a_device_listed_again_while_held_is_still_held(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": [0, 1]})
        whole, share = tracker.request("a", {"gpu": 1}), tracker.request("a", {"gpu": 0.25})
        tracker.register_node("a", {"gpu": []})

        tracker.register_node("a", {"gpu": [0, 1]})

        assert tracker.available("a") == {"gpu": 0.75}
        assert refused(tracker, "a", {"gpu": 1}) == {"gpu": 1}
        assert tracker.release(share)
        assert tracker.release(whole)
        assert tracker.available("a") == {"gpu": 2}

    def test_a_sum_that_becomes_devices_is_blocked_until_what_was_held_of_it_is_released(
        self, tracker: ResourceTracker
    ) -> None:
        tracker.register_node("a", {"fpga": 2})
        held = tracker.request("a", {"fpga": 0.5})

        tracker.register_node("a", {"fpga": [0, 1]})

        assert refused(tracker, "a", {"fpga": 1}) == {"fpga": 0.5}
        assert tracker.release(held)
        assert tracker.available("a") == {"fpga": 2}
        assert tracker.request("a", {"fpga": 1}).devices == {"fpga": [0]}

    def test_devices_that_become_a_sum_are_blocked_until_they_are_released(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"fpga": [0, 1]})
        held = tracker.request("a", {"fpga": 1})

        tracker.register_node("a", {"fpga": 2})

        assert refused(tracker, "a", {"fpga": 1}) == {"fpga": 1}
        assert tracker.release(held)
        assert tracker.available("a") == {"fpga": 2}
        assert tracker.request("a", {"fpga": 1.5}).devices == {}


class DeviceMemory:
    def test_memory_of_devices_is_a_capability_of_the_node(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 2, "cpu": 1}, device_memory={"gpu": 24000})

        expected = {"gpu": 2, "cpu": 1, "gpu_memory": 48000}
        assert tracker.discover_nodes() == {"a": expected}
        assert tracker.capabilities("a") == expected
        assert tracker.available("a") == expected

    @pytest.mark.parametrize("memory", [[100, 300], {3: 300, 0: 100}], ids=repr)
    def test_each_device_may_have_its_own(self, tracker: ResourceTracker, memory: Any) -> None:
        tracker.register_node("a", {"gpu": [3, 0]}, device_memory={"gpu": memory})

        assert tracker.capabilities("a") == {"gpu": 2, "gpu_memory": 400}
        assert tracker.request("a", {"gpu_memory": 200}).devices == {"gpu": [3]}

    @pytest.mark.parametrize(
        ("capabilities", "memory"),
        [
            ({"gpu": 2}, {"gpu": [1]}),
            ({"gpu": 2}, {"gpu": {0: 1, 5: 1}}),
            ({"gpu": 2}, {"fpga": 1}),
            ({"gpu": 2}, {"gpu": -1}),
            ({"gpu": 2, "gpu_memory": 5}, {"gpu": 5}),
            ({"cpu": 2}, {"cpu": 5}),
        ],
        ids=repr,
    )
    def test_bad_memory_changes_nothing(self, tracker: ResourceTracker, capabilities: Any, memory: Any) -> None:
        tracker.register_node("a", {"cpu": 1})

        for name in ("a", "b"):
            with pytest.raises(InvalidResources):
                tracker.register_node(name, capabilities, device_memory=memory)

        assert tracker.discover_nodes() == {"a": {"cpu": 1}}

    def test_memory_is_taken_of_one_device_and_given_back(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 2}, device_memory={"gpu": 24000})

        reservation = tracker.request("a", {"gpu_memory": 6000.5})

        assert (reservation.cost, reservation.devices) == ({"gpu_memory": 6000.5}, {"gpu": [0]})
        assert tracker.available("a") == {"gpu": 1, "gpu_memory": 41999.5}
        assert tracker.release(reservation) is True
        assert tracker.available("a") == {"gpu": 2, "gpu_memory": 48000}

    def test_memory_takes_the_fullest_device_that_still_has_room(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 3}, device_memory={"gpu": 100})

        taken = [tracker.request("a", {"gpu_memory": size}).devices["gpu"] for size in (50, 60, 40, 30, 20)]

        # Free after each: 50 100 100 | 50 40 100 | 50 0 100 | 20 0 100 | 0 0 100
        assert taken == [[0], [1], [1], [0], [0]]
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [2]}

    def test_the_smallest_device_that_is_large_enough_comes_first(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": [4, 9, 11]}, device_memory={"gpu": [300, 100, 100]})

        assert tracker.request("a", {"gpu_memory": 50}).devices == {"gpu": [9]}
        assert tracker.request("a", {"gpu_memory": 100}).devices == {"gpu": [11]}
        assert tracker.request("a", {"gpu_memory": 60}).devices == {"gpu": [4]}

    def test_free_memory_of_several_devices_does_not_add_up(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 2}, device_memory={"gpu": 100})
        for _ in range(2):
            tracker.request("a", {"gpu_memory": 60})

        assert tracker.available("a") == {"gpu": 0, "gpu_memory": 80}
        assert refused(tracker, "a", {"gpu_memory": 50}) == {"gpu_memory": 10}
        assert tracker.resources_available("a", {"gpu_memory": 40})

    def test_more_memory_than_any_device_has_is_short_of_the_rest(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 2}, device_memory={"gpu": [100, 250]})
        tracker.register_node("b", {"gpu": 2})

        assert refused(tracker, "a", {"gpu_memory": 300}) == {"gpu_memory": 50}
        assert refused(tracker, "b", {"gpu_memory": 300}) == {"gpu_memory": 300}

    def test_a_device_of_which_memory_is_held_serves_neither_whole_nor_in_shares(
        self, tracker: ResourceTracker
    ) -> None:
        tracker.register_node("a", {"gpu": 2}, device_memory={"gpu": 100})
        held = tracker.request("a", {"gpu_memory": 0.0001})

        assert refused(tracker, "a", {"gpu": 2}) == {"gpu": 1}
        assert tracker.request("a", {"gpu": 0.5}).devices == {"gpu": [1]}
        assert refused(tracker, "a", {"gpu": 0.75}) == {"gpu": 0.25}
        assert tracker.release(held)
        assert tracker.request("a", {"gpu": 0.75}).devices == {"gpu": [0]}

    def test_a_device_that_is_held_whole_or_in_part_has_no_memory_to_give(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 2}, device_memory={"gpu": [300, 100]})
        whole = tracker.request("a", {"gpu": 1})

        assert tracker.available("a") == {"gpu": 1, "gpu_memory": 100}
        assert refused(tracker, "a", {"gpu_memory": 150}) == {"gpu_memory": 50}
        share = tracker.request("a", {"gpu": 0.1})
        assert tracker.available("a") == {"gpu": 0.9, "gpu_memory": 0}
        assert refused(tracker, "a", {"gpu_memory": 1}) == {"gpu_memory": 1}

        assert tracker.release(share)
        assert tracker.request("a", {"gpu_memory": 100}).devices == {"gpu": [1]}
        assert tracker.release(whole)
        assert tracker.request("a", {"gpu_memory": 150}).devices == {"gpu": [0]}

    def test_a_share_goes_past_devices_of_which_memory_is_held(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 3}, device_memory={"gpu": 100})
        tracker.request("a", {"gpu_memory": 10})

        assert tracker.request("a", {"gpu": 0.5}).devices == {"gpu": [1]}
        assert tracker.request("a", {"gpu_memory": 10}).devices == {"gpu": [0]}
        assert tracker.request("a", {"gpu": 0.25}).devices == {"gpu": [1]}
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [2]}

    def test_memory_without_devices_is_a_sum_like_any_other(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 1, "gpu_memory": 100})

        reservation = tracker.request("a", {"gpu_memory": 80})

        assert reservation.devices == {}
        assert tracker.available("a") == {"gpu": 1, "gpu_memory": 20}
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [0]}

    def test_a_device_and_memory_of_one_cannot_be_asked_for_together(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 2}, device_memory={"gpu": 100})

        with pytest.raises(InvalidResources):
            tracker.request("a", {"gpu": 1, "gpu_memory": 10})

    def test_other_devices_may_have_memory_too(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"fpga": [2, 5], "gpu": 1}, device_memory={"fpga": 100})

        reservation = tracker.request("a", {"fpga_memory": 60, "gpu": 1})

        assert reservation.devices == {"fpga": [2], "gpu": [0]}
        assert tracker.request("a", {"fpga": 1}).devices == {"fpga": [5]}
        assert tracker.available("a") == {"fpga": 0, "gpu": 0, "fpga_memory": 40}

    def test_registering_again_with_more_or_less_memory_keeps_what_is_reserved(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 1, "cpu": 1}, device_memory={"gpu": 100})
        held = tracker.request("a", {"gpu_memory": 60})

        tracker.register_node("a", {"gpu": 1, "cpu": 1}, device_memory={"gpu": 150})
        assert tracker.available("a") == {"gpu": 0, "cpu": 1, "gpu_memory": 90}

        tracker.register_node("a", {"gpu": 1, "cpu": 1}, device_memory={"gpu": 50})
        assert tracker.available("a") == {"gpu": 0, "cpu": 1, "gpu_memory": 0}
        assert refused(tracker, "a", {"cpu": 1}) == {"gpu_memory": 10}
        assert tracker.release(held)
        assert tracker.available("a") == {"gpu": 1, "cpu": 1, "gpu_memory": 50}

    def test_a_device_removed_while_memory_of_it_is_held_blocks_its_node_until_released(
        self, tracker: ResourceTracker
    ) -> None:
        tracker.register_node("a", {"gpu": [0, 1]}, device_memory={"gpu": 100})
        held = tracker.request("a", {"gpu_memory": 60})

        tracker.register_node("a", {"gpu": [1]}, device_memory={"gpu": 100})
        assert tracker.available("a") == {"gpu": 1, "gpu_memory": 100}
        assert refused(tracker, "a", {"gpu": 1}) == {"gpu_memory": 60}

        assert tracker.release(held)
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [1]}

    def test_a_device_listed_again_while_memory_of_it_is_held_still_holds_it(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 2}, device_memory={"gpu": 100})
        held = tracker.request("a", {"gpu_memory": 60})
        tracker.register_node("a", {"gpu": []})

        tracker.register_node("a", {"gpu": 2}, device_memory={"gpu": 100})

        assert tracker.available("a") == {"gpu": 1, "gpu_memory": 140}
        assert tracker.request("a", {"gpu": 1}).devices == {"gpu": [1]}
        assert tracker.release(held)
        assert tracker.available("a") == {"gpu": 1, "gpu_memory": 100}

    def test_memory_of_devices_that_becomes_a_sum_is_blocked_until_it_is_released(
        self, tracker: ResourceTracker
    ) -> None:
        tracker.register_node("a", {"gpu": 1}, device_memory={"gpu": 100})
        held = tracker.request("a", {"gpu_memory": 60})

        tracker.register_node("a", {"gpu": 1, "gpu_memory": 100})

        assert refused(tracker, "a", {"gpu_memory": 1}) == {"gpu_memory": 60}
        assert tracker.release(held)
        assert tracker.available("a") == {"gpu": 1, "gpu_memory": 100}
        assert tracker.request("a", {"gpu_memory": 100}).devices == {}

    def test_a_sum_that_becomes_memory_of_devices_is_blocked_until_it_is_released(
        self, tracker: ResourceTracker
    ) -> None:
        tracker.register_node("a", {"gpu": 1, "gpu_memory": 100})
        held = tracker.request("a", {"gpu_memory": 60})

        tracker.register_node("a", {"gpu": 1}, device_memory={"gpu": 100})

        assert refused(tracker, "a", {"gpu": 1}) == {"gpu_memory": 60}
        assert tracker.release(held)
        assert tracker.available("a") == {"gpu": 1, "gpu_memory": 100}
        assert tracker.request("a", {"gpu_memory": 100}).devices == {"gpu": [0]}

    def test_functions_share_devices_by_memory(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 1}, device_memory={"gpu": 100})
        tracker.register_node("b", {"gpu": 2}, device_memory={"gpu": 100})

        claims = tracker.allocate_and_claim(
            [
                function("f", gpu_memory=60),
                function("g", gpu=1),
                function("h", gpu_memory=60),
                function("i", gpu_memory=40),
            ]
        )

        assert {id: (claim.node, claim.devices["gpu"]) for id, claim in claims.items()} == {
            "f": ("a", [0]),
            "g": ("b", [0]),
            "h": ("b", [1]),
            "i": ("a", [0]),
        }


def labelled(tracker: ResourceTracker) -> None:
    """Three nodes of one cpu each: `a` and `c` in zone x, of which `a` is a spot instance, and `b` in zone y."""
    tracker.register_node("a", {"cpu": 1}, labels={"zone": "x", "tier": "spot"})
    tracker.register_node("b", {"cpu": 1}, {"zone": "y"})
    tracker.register_node("c", {"cpu": 1}, labels={"zone": "x", "gpu_model": "A100 (80GB)"})


def where(id: str, place: str | Collocated | None = None, cpu: float = 1, **wanted: Any) -> Function:
    return Function(id, "module:f", cost={"cpu": cpu}, node=place, where=wanted)


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


def either(id: str, *costs: Any, node: str | Collocated | None = None) -> Function:
    return Function(id, "module:f", cost=costs, node=node)


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


def balanced(id: str, node: str | None = None, **cost: float) -> Function:
    return Function(id, "module:f", cost=cost, node=node, strategy="load_balanced")


class Strategies:
    def test_load_balanced_takes_the_node_with_most_to_spare(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8})
        tracker.register_node("b", {"cpu": 4})

        nodes = [tracker.allocate_and_claim([balanced("f", cpu=1)])["f"].node for _ in range(6)]

        # Spare of a and b, before each: 8/8 4/4 | 7/8 4/4 | 7/8 3/4 | 6/8 3/4 | 5/8 3/4 | 5/8 2/4
        assert nodes == ["a", "b", "a", "a", "b", "a"]

    def test_several_at_once_are_balanced_one_after_another(self, tracker: ResourceTracker) -> None:
        for name in ("a", "b", "c"):
            tracker.register_node(name, {"cpu": 4})
        tracker.request("b", {"cpu": 1})

        claims = tracker.allocate_and_claim([balanced(id, cpu=1) for id in "fghi"])

        assert [claim.node for claim in claims.values()] == ["a", "c", "a", "b"]

    def test_the_scarcest_resource_of_a_node_decides(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"cpu": 8, "memory": 100})
        tracker.register_node("b", {"cpu": 8, "memory": 100})
        tracker.request("a", {"memory": 60})
        tracker.request("b", {"cpu": 4})

        assert tracker.allocate_and_claim([balanced("f", cpu=1)])["f"].node == "b"

    def test_devices_count_by_what_is_held_of_them(self, tracker: ResourceTracker) -> None:
        tracker.register_node("a", {"gpu": 2}, device_memory={"gpu": 100})
        tracker.register_node("b", {"gpu": 2}, device_memory={"gpu": 100})
        tracker.request("a", {"gpu_memory": 80})
        tracker.request("b", {"gpu": 0.9})

        # Of a 60 % of the memory are left and all shares, of b 55 % of the shares and all memory.
        assert tracker.allocate_and_claim([balanced("f", gpu=0.1)])["f"].node == "a"

    def test_only_nodes_that_fit_and_may_be_taken_are_compared(self, tracker: ResourceTracker) -> None:
        labelled(tracker)
        tracker.request("c", {"cpu": 0.5})
        tracker.request("b", {"cpu": 0.25})

        assert tracker.allocate_and_claim([balanced("f", "c", cpu=0.1)])["f"].node == "c"
        zoned = Function("f", "module:f", cost={"cpu": 0.1}, where={"tier": Not("spot")}, strategy="load_balanced")
        assert tracker.allocate_and_claim([zoned])["f"].node == "b"
        assert tracker.allocate_and_claim([balanced("f", cpu=0.1)], nodes=["c", "b"])["f"].node == "b"

    def test_functions_in_one_call_may_have_strategies_of_their_own(self, tracker: ResourceTracker) -> None:
        for name in ("a", "b"):
            tracker.register_node(name, {"cpu": 8})

        claims = tracker.allocate_and_claim(
            [
                function("f", cpu=1),
                balanced("g", cpu=1),
                Function("h", "module:f", cost={"cpu": 1}, strategy="first_available"),
                balanced("i", cpu=1),
            ]
        )

        assert {id: claim.node for id, claim in claims.items()} == {"f": "a", "g": "b", "h": "a", "i": "b"}


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


class Bookkeeping:
    @pytest.mark.parametrize("seed", range(5))
    def test_free_and_held_always_make_up_what_the_node_has(self, tracker: ResourceTracker, seed: int) -> None:
        """A random walk over claims, releases and changing devices, checked after each step by plain addition."""
        choose = random.Random(seed)
        capabilities: dict[str, Any] = {"cpu": 4, "gpu": [0, 1, 2]}
        tracker.register_node("a", capabilities)
        held: list[Reservation] = []

        for _ in range(150):
            if held and choose.random() < 0.4:
                assert tracker.release(held.pop(choose.randrange(len(held))))
            else:
                cost = {"cpu": choose.randint(0, 8) / 8, "gpu": choose.choice([0, 0.1, 0.25, 0.5, 0.7, 1, 2])}
                if tracker.resources_available("a", cost):
                    held.append(tracker.request("a", cost))
                else:
                    assert refused(tracker, "a", cost)
            if choose.random() < 0.1:
                listed = sorted({0, 1, 2, 9} - {choose.choice([0, 1, 2, 9])})
                in_use = {index for reservation in held for index in reservation.devices.get("gpu", [])}
                if in_use <= set(listed):
                    capabilities["gpu"] = listed
                    tracker.register_node("a", capabilities)
            self._check(tracker, capabilities, held)

        assert all(tracker.release(reservation) for reservation in held)
        assert tracker.available("a") == {"cpu": 4, "gpu": len(capabilities["gpu"])}

    def _check(self, tracker: ResourceTracker, capabilities: dict[str, Any], held: list[Reservation]) -> None:
        cpu = sum(Fraction(reservation.cost.get("cpu", 0)) for reservation in held)
        shares: Counter[int] = Counter()
        for reservation in held:
            indices = reservation.devices.get("gpu", [])
            for index in indices:
                shares[index] += round(reservation.cost["gpu"] * 10_000) // len(indices)
        assert cpu <= 4
        assert shares.keys() <= set(capabilities["gpu"])
        assert all(share <= 10_000 for share in shares.values())
        left = len(capabilities["gpu"]) * 10_000 - shares.total()
        assert tracker.available("a") == {"cpu": 4 - cpu, "gpu": left / 10_000}
        idle = sum(shares[index] == 0 for index in capabilities["gpu"])
        assert tracker.resources_available("a", {"gpu": idle})
        assert not tracker.resources_available("a", {"gpu": idle + 1})

    @pytest.mark.parametrize("seed", range(5))
    def test_a_device_never_serves_two_kinds_of_claims_at_once(self, tracker: ResourceTracker, seed: int) -> None:
        """A random walk over whole devices, shares and memory, checked after each step by what is held."""
        choose = random.Random(seed)
        memory = {0: 100, 1: 100, 2: 250}
        tracker.register_node("a", {"gpu": 3}, device_memory={"gpu": memory})
        held: list[Reservation] = []

        for _ in range(150):
            if held and choose.random() < 0.45:
                assert tracker.release(held.pop(choose.randrange(len(held))))
            resource = choose.choice(["gpu", "gpu_memory"])
            cost = {resource: choose.choice([0.25, 0.5, 1, 2] if resource == "gpu" else [10, 50, 100, 200])}
            if tracker.resources_available("a", cost):
                held.append(tracker.request("a", cost))
            else:
                assert refused(tracker, "a", cost).keys() == cost.keys()
            shares, sizes = self._held(held)
            assert not shares.keys() & sizes.keys()
            assert all(share <= 1 for share in shares.values())
            assert all(size <= memory[index] for index, size in sizes.items())
            assert tracker.available("a") == {
                "gpu": sum(1 - shares[index] for index in memory if index not in sizes),
                "gpu_memory": sum(memory[index] - sizes[index] for index in memory if index not in shares),
            }

        assert all(tracker.release(reservation) for reservation in held)
        assert tracker.available("a") == {"gpu": 3, "gpu_memory": 450}

    def _held(self, held: list[Reservation]) -> tuple[Counter[int], Counter[int]]:
        """The share and the memory held of each device."""
        shares: Counter[int] = Counter()
        sizes: Counter[int] = Counter()
        for reservation in held:
            for resource, amount in reservation.cost.items():
                indices = reservation.devices["gpu"]
                for index in indices:
                    (shares if resource == "gpu" else sizes)[index] += amount / len(indices)  # type: ignore[assignment]
        return shares, sizes


class TrackerConformance(
    Registering,
    UnknownNodes,
    Claiming,
    Rounding,
    DeviceChoice,
    DeviceMemory,
    Reregistering,
    Labels,
    Variants,
    Strategies,
    Allocating,
    Bookkeeping,
):
    """All of it."""
