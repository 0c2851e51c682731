"""How fast all came back: the slowest recovery of a lost node's work, and the rate before, during and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from campaign.driving import Done, Driven
from campaign.faults.fault import REDIS
from campaign.journal import SINGLE_ID
from campaign.verdict import SLOW, Verdict
from campaign.watching import Event, Follower

MOST_LEASES = 3
"""A loss that comes more leases after the end of a fault is not of that fault."""

MOST_TO_RECOVER, LEAST_AFTER = 2.0, 0.95
"""In leases, and of the rate before."""

ENDS = ("finished", "failed", "stopped", "canceled")
"""How a reservation is given back at an attempt's end."""


def count_faults(verdict: Verdict, driven: Driven) -> None:
    """Fill in what was done, however far that came."""
    verdict.faults.update(done.kind for done in driven.done)
    verdict.missed, verdict.checks, verdict.rounds = driven.missed, driven.checks, driven.rounds


def measure(verdict: Verdict, driven: Driven, follower: Follower, lease_s: float) -> None:
    """Fill in how fast it was."""
    verdict.rates = {
        "before": _rate(follower.events, driven.began_ms, driven.faults_from_ms),
        "during": _rate(follower.events, driven.faults_from_ms, driven.faults_to_ms),
        "after": _rate(follower.events, driven.faults_to_ms, driven.calm_to_ms),
    }
    lost = [each for each in follower.events if each.fields["event"] == "node" and each.fields["change"] == "lost"]
    for event in lost:
        near = _faults_near(event, driven, follower, lease_s * 1000)
        found = _recovery(event, near, follower, lease_s * 1000)
        verdict.slowest_recovery, verdict.slowest = max((verdict.slowest_recovery, verdict.slowest), found)
        if not near:
            verdict.losses_without_fault += 1
        elif all(done.target == REDIS for done in near):
            verdict.losses_with_redis += 1


def judge_speed(verdict: Verdict) -> None:
    """Say what is slow: not for a machine on which anything else may run."""
    if verdict.slowest_recovery > MOST_TO_RECOVER:
        verdict.note(SLOW, f"{verdict.slowest_recovery:.2f} leases to recover: {verdict.slowest}")
    unstruck = verdict.losses_without_fault + verdict.losses_with_redis
    if unstruck:
        verdict.note(SLOW, f"nodes were lost that nothing had struck but what strikes all: {unstruck} times")
    before, after = verdict.rates["before"], verdict.rates["after"]
    if after < LEAST_AFTER * before:
        verdict.note(SLOW, f"{before:.1f} functions a second ended before the faults, and {after:.1f} after them")


def _faults_near(loss: Event, driven: Driven, follower: Follower, lease_ms: float) -> list[Done]:
    """Those that a node may have been lost to."""
    return [
        done
        for done in driven.done
        if done.target in (loss.fields["node"], REDIS)
        and done.at_ms <= loss.at_ms
        and _leases(follower, follower.uptime_ms(max(done.at_ms, done.until_ms)), loss, lease_ms) < MOST_LEASES
    ]


def _recovery(loss: Event, near: Sequence[Done], follower: Follower, lease_ms: float) -> tuple[float, str]:
    """From a lost node's last heartbeat until the last of its work was given back, in leases and in words."""
    node, returned = loss.fields["node"], _returned(loss, follower.events)
    last = returned[-1] if returned else loss
    beat = follower.lease_end(node, loss.at_ms) - lease_ms
    own = [done for done in near if done.target == node]
    faults = ", ".join(f"{done.number} {done.kind} {(loss.at_ms - done.at_ms) / 1000:.1f} s before" for done in own)
    told = (
        f"{node} was lost {_leases(follower, beat, loss, lease_ms):.2f} leases after a heartbeat, and the last of "
        f"{len(returned)} given back {(last.at_ms - loss.at_ms) / 1000:.1f} s later ({faults or 'not struck itself'})"
    )
    return _leases(follower, beat, last, lease_ms), told


def _returned(loss: Event, events: Iterable[Event]) -> list[Event]:
    """How what the node held when it was lost was given back, however long that took."""
    node, is_lost = loss.fields["node"], False
    held: set[str] = set()
    returned = []
    for event in events:
        is_lost = is_lost or event is loss
        if event.fields.get("node") != node:
            continue
        id = event.fields.get("id", "")
        if event.fields["event"] == "reserved":
            # A Redis that has gone back may give an id once more: what comes of that is not of this loss.
            (held.discard if is_lost else held.add)(id)
        elif event.fields["event"] == "released" and id in held:
            held.discard(id)
            if is_lost:
                returned.append(event)
    return returned


def _leases(follower: Follower, from_ms: float, to: Event, lease_ms: float) -> float:
    """From a moment of uptime on."""
    return (follower.uptime_ms(to.at_ms) - from_ms) / lease_ms


def _rate(events: Sequence[Event], from_ms: int, to_ms: int) -> float:
    """Single functions that ended, however they did: of these as many are submitted each second, as of nothing else."""
    count = sum(
        from_ms <= event.at_ms < to_ms
        and (event.fields.get("outcome") in ENDS or event.fields["event"] == "canceled")
        and SINGLE_ID.fullmatch(event.job) is not None
        for event in events
    )
    return count / max(0.001, (to_ms - from_ms) / 1000)
