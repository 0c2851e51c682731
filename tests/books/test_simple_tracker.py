"""The tracker in the memory of one process: the conformance suite, and how claims lapse."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from handoff.books.reservation import Reservation, ResourceTracker
from handoff.books.simple import SimpleResourceTracker
from handoff.errors import ResourcesUnavailable, UnknownNode
from handoff.words.function import Function
from support.conformance.tracker import TrackerConformance
from support.waiting import LIMIT_S


class TestSimpleResourceTracker(TrackerConformance):
    @pytest.fixture
    def tracker(self) -> ResourceTracker:
        return SimpleResourceTracker()


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class TestLapsing:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def tracker(self, clock: Clock) -> SimpleResourceTracker:
        tracker = SimpleResourceTracker(clock=clock)
        tracker.register_node("a", {"cpu": 4, "gpu": 1})
        return tracker

    def test_a_claim_lapses_when_its_seconds_are_over_and_not_before(
        self, tracker: SimpleResourceTracker, clock: Clock
    ) -> None:
        tracker.request("a", {"cpu": 3, "gpu": 0.5}, ttl=2.5)

        clock.now += 2.4
        assert tracker.available("a") == {"cpu": 1, "gpu": 0.5}
        clock.now += 0.1
        assert tracker.available("a") == {"cpu": 4, "gpu": 1}

    def test_a_lapsed_claim_is_not_released_again(self, tracker: SimpleResourceTracker, clock: Clock) -> None:
        reservation = tracker.request("a", {"cpu": 3}, ttl=1)
        clock.now += 1

        assert tracker.release(reservation) is False
        assert tracker.available("a") == {"cpu": 4, "gpu": 1}

    def test_a_claim_without_a_ttl_never_lapses(self, tracker: SimpleResourceTracker, clock: Clock) -> None:
        reservation = tracker.request("a", {"cpu": 3})
        clock.now += 1e9

        assert tracker.available("a") == {"cpu": 1, "gpu": 1}
        assert tracker.release(reservation) is True

    def test_what_lapsed_is_there_for_every_way_of_asking(self, tracker: SimpleResourceTracker, clock: Clock) -> None:
        def full() -> None:
            tracker.request("a", {"cpu": 4}, ttl=1)
            with pytest.raises(ResourcesUnavailable):
                tracker.request("a", {"cpu": 4})
            clock.now += 1

        full()
        assert tracker.resources_available("a", {"cpu": 4})
        full()
        tracker.request("a", {"cpu": 4}, ttl=0.5)
        clock.now += 0.5
        full()
        assert tracker.allocate_and_claim([Function("f", "module:f", cost={"cpu": 4})])["f"].node == "a"

    def test_claims_lapse_each_at_its_own_time(self, tracker: SimpleResourceTracker, clock: Clock) -> None:
        for ttl in (3, 1, 2):
            tracker.request("a", {"cpu": 1}, ttl=ttl)

        free = []
        for _ in range(4):
            free.append(tracker.available("a")["cpu"])
            clock.now += 1

        assert free == [1, 2, 3, 4]

    def test_a_node_that_is_gone_has_nothing_left_to_lapse(self, tracker: SimpleResourceTracker, clock: Clock) -> None:
        tracker.request("a", {"cpu": 3}, ttl=1)
        tracker.deregister_node("a")
        tracker.register_node("a", {"cpu": 4})
        clock.now += 1

        assert tracker.available("a") == {"cpu": 4}
        with pytest.raises(UnknownNode):
            tracker.available("b")


class CrowdedClock:
    """Lets other threads run while it is read, and counts how many read it at once."""

    def __init__(self) -> None:
        self.inside = self.most = 0

    def __call__(self) -> float:
        self.inside += 1
        self.most = max(self.most, self.inside)
        for _ in range(20):
            time.sleep(0)  # Yields; it does not wait.
        self.inside -= 1
        return 0.0


@pytest.mark.parametrize(
    "step",
    [
        lambda tracker: tracker.available("a"),
        lambda tracker: tracker.resources_available("a", {"cpu": 1}),
        lambda tracker: tracker.request("a", {"cpu": 1}),
        lambda tracker: tracker.release(Reservation("no-such-id", "a", {}, {})),
        lambda tracker: tracker.allocate_and_claim([Function("f", "module:f", cost={"cpu": 1})]),
    ],
    ids=["available", "resources_available", "request", "release", "allocate_and_claim"],
)
def test_one_thread_at_a_time_is_at_the_books(step: Callable[[ResourceTracker], object]) -> None:
    clock = CrowdedClock()
    tracker = SimpleResourceTracker(clock=clock)
    tracker.register_node("a", {"cpu": 1000})
    tracker.request("a", {}, ttl=1)  # With something that may lapse, every step reads the clock.
    together = threading.Barrier(4)

    def steps() -> None:
        together.wait(timeout=LIMIT_S)
        for _ in range(10):
            step(tracker)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(steps) for _ in range(4)]:
            future.result(timeout=LIMIT_S)

    assert clock.most == 1


def test_two_trackers_do_not_know_each_others_claims() -> None:
    one, other = SimpleResourceTracker(), SimpleResourceTracker()
    for tracker in (one, other):
        tracker.register_node("a", {"cpu": 1})

    reservation = one.request("a", {"cpu": 1})

    assert other.release(reservation) is False
    assert other.resources_available("a", {"cpu": 1})


def test_of_two_nodes_the_one_that_lacks_less_tells_what_is_missing() -> None:
    tracker = SimpleResourceTracker()
    tracker.register_node("a", {"cpu": 1})
    tracker.register_node("b", {"cpu": 7})
    tracker.register_node("c", {"memory": 100})

    with pytest.raises(ResourcesUnavailable) as caught:
        tracker.allocate_and_claim([Function("f", "module:f", cost={"cpu": 8})])

    assert caught.value.short == {"cpu": 1}


def test_the_strategy_of_the_tracker_is_for_functions_that_name_none() -> None:
    tracker = SimpleResourceTracker(strategy="load_balanced")
    for name in ("a", "b"):
        tracker.register_node(name, {"cpu": 4})

    claims = tracker.allocate_and_claim(
        [
            Function("f", "module:f", cost={"cpu": 1}),
            Function("g", "module:f", cost={"cpu": 1}),
            Function("h", "module:f", cost={"cpu": 1}, strategy="first_available"),
            Function("i", "module:f", cost={"cpu": 1}),
        ]
    )

    assert [claim.node for claim in claims.values()] == ["a", "b", "a", "b"]


def test_a_strategy_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of first_available, load_balanced"):
        SimpleResourceTracker(strategy="fastest")  # type: ignore[arg-type]
