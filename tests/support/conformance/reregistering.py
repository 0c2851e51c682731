"""A node that is registered again keeps what is reserved."""

from __future__ import annotations

import pytest

from handoff.books.reservation import ResourceTracker
from handoff.errors import ResourcesUnavailable
from support.conformance.asking import refused
from support.placing import function


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
