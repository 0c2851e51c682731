"""Which devices a claim takes."""

from __future__ import annotations

from fractions import Fraction

from handoff.books.reservation import ResourceTracker
from support.conformance.asking import refused


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
