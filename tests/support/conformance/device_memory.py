"""Memory is taken of one device, which then serves nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.books.reservation import ResourceTracker
from handoff.errors import InvalidResources
from support.conformance.asking import refused
from support.placing import function


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
