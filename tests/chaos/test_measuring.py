"""How long a lost node's work takes to be back: from its last heartbeat until all that it held is given back."""

from __future__ import annotations

from typing import Any

import pytest

from campaign.driving import Done, Driven
from campaign.faults.fault import REDIS
from campaign.measuring import judge_speed, measure
from campaign.verdict import SLOW, Verdict
from campaign.watching import Event

LEASE_S = 2.0


class Stream:
    """What a follower has seen, of a node `a` that beats for the last time after 0.9 s and is killed after 1 s."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.did_not_count_ms = 0
        self.beats = [900]

    def uptime_ms(self, at_ms: int) -> int:
        return at_ms - self.did_not_count_ms * (at_ms > 1500)

    def lease_end(self, node: str, at_ms: int) -> int:
        return round(max(beat for beat in self.beats if beat <= at_ms) + 1000 * LEASE_S)

    def note(self, at_ms: int, event: str, **fields: str) -> None:
        self.events.append(Event(at_ms, {"event": event, **fields}))

    def hold(self, *ids: str, at_ms: int = 500, node: str = "a") -> None:
        for id in ids:
            self.note(at_ms, "reserved", node=node, id=id)

    def give_back(self, at_ms: int, id: str, node: str = "a") -> None:
        self.note(at_ms, "released", node=node, id=id, outcome="lost")

    def lose(self, at_ms: int) -> None:
        self.note(at_ms, "node", node="a", change="lost")

    def measured(self, *faults: Done) -> Verdict:
        verdict, follower = Verdict(1, 1.0), self
        told: Any = follower
        measure(verdict, Driven(done=[*faults] or [Done(9, "kill node", "a", 1000)]), told, LEASE_S)
        return verdict


@pytest.fixture
def stream() -> Stream:
    return Stream()


def test_the_last_of_what_the_node_held_counts_however_late(stream: Stream) -> None:
    stream.hold("f:1", "g:1")
    stream.lose(3200)
    stream.give_back(3250, "f:1")
    stream.give_back(11_900, "g:1")

    verdict = stream.measured()
    assert verdict.slowest_recovery == 5.5
    assert verdict.slowest == (
        "a was lost 1.15 leases after a heartbeat, and the last of 2 given back 8.7 s later (9 kill node 2.2 s before)"
    )

    judge_speed(verdict)
    assert verdict.wrong == [(SLOW, f"5.50 leases to recover: {verdict.slowest}")]


def test_what_was_given_back_before_or_was_held_elsewhere_or_later_does_not_count(stream: Stream) -> None:
    stream.hold("early:1", "f:1")
    stream.hold("other:1", node="b")
    stream.give_back(900, "early:1")
    stream.lose(3000)
    stream.give_back(3900, "f:1")
    stream.hold("later:1", "f:1", at_ms=5000)
    for id in ("early:1", "later:1", "f:1"):
        stream.give_back(9000, id)
    stream.give_back(9000, "other:1", node="b")

    assert stream.measured().slowest_recovery == 1.5


def test_of_a_node_that_held_nothing_its_loss_counts(stream: Stream) -> None:
    stream.lose(3900)

    assert stream.measured().slowest_recovery == 1.5


def test_time_in_which_no_script_ran_does_not_count(stream: Stream) -> None:
    stream.did_not_count_ms = 1000
    stream.lose(3900)

    assert stream.measured().slowest_recovery == 1.0


def test_the_slowest_of_several_is_told(stream: Stream) -> None:
    stream.beats += [20_000, 40_000]
    for at_ms in (3000, 24_000, 42_000):
        stream.lose(at_ms)
    faults = [Done(n, "kill agent", "a", at_ms) for n, at_ms in ((1, 1000), (2, 20_100), (3, 40_100))]

    verdict = stream.measured(*faults)
    assert verdict.slowest_recovery == 2.0
    assert verdict.slowest.endswith("(2 kill agent 3.9 s before)")


def test_a_loss_is_counted_that_no_fault_explains_or_only_one_that_strikes_all(stream: Stream) -> None:
    stream.lose(3900)

    def explained_by(kind: str, target: str) -> tuple[int, int]:
        verdict = stream.measured(Done(1, kind, target, 1000))
        return verdict.losses_without_fault, verdict.losses_with_redis

    assert explained_by("kill node", "b") == (1, 0)
    assert explained_by("stop redis", REDIS) == (0, 1)
    assert explained_by("drain", "a") == (0, 0)

    verdict = stream.measured(Done(1, "stop redis", REDIS, 1000))
    judge_speed(verdict)
    assert [sort for sort, _ in verdict.wrong] == [SLOW]
