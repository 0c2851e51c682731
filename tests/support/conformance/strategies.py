"""Of the nodes with room the strategy takes one."""

from __future__ import annotations

from handoff.books.reservation import ResourceTracker
from handoff.words.constraints import Not
from handoff.words.function import Function
from support.conformance.asking import labelled
from support.placing import function


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
