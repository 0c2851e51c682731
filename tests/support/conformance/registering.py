"""Nodes are registered, discovered and unknown."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.books.reservation import ResourceTracker
from handoff.errors import InvalidNode, InvalidResources, UnknownNode


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
