"""What is asked of Handoff beside its peers: ratios within one repeat, and what they should come to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.check import costs
from benchmarks.check.operations import FINISH_ONE
from benchmarks.figures import Figure
from benchmarks.peers.repeat import Values
from benchmarks.peers.roster import (
    BARE,
    DASK_WITH_RESOURCES,
    FLOOR,
    HANDOFF,
    POOL,
    QUEUES,
    RAY,
    SIMPLE_WORKER,
)
from benchmarks.peers.surroundings import PLAIN, TWO, Surroundings

PART = "bars"

Rounds = Mapping[tuple[str, str], Sequence[Values]]
"""Surroundings and peer -> the values of each repeat."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A quantity of Handoff's, divided by the best that those it is compared with have of it."""

    what: str
    key: str
    peers: tuple[str, ...]  #: none: the quantity itself
    goal: float
    at_most: float | None = None
    at_least: float | None = None
    surroundings: Surroundings = PLAIN  #: of Handoff; the others stand as they are by themselves


BARS = (
    Bar("server CPU of a submit / rq's enqueue", "submit_server_us", (SIMPLE_WORKER,), 1, at_most=2),
    Bar("server CPU of a function / floor program", "batched_server_us", (FLOOR,), 2.5, at_most=4),
    Bar("submits one by one / rq's enqueue", "submit_per_s", (SIMPLE_WORKER,), 1.6, at_least=1.1),
    Bar("client CPU of a submit / rq's enqueue", "submit_client_us", (SIMPLE_WORKER,), 0.4, at_most=0.6),
    Bar("submit_many / rq's enqueue_many", "many_per_s", (SIMPLE_WORKER,), 2.5, at_least=1.5),
    Bar("finished / rq SimpleWorker", "finished_per_s", (SIMPLE_WORKER,), 15, at_least=8),
    Bar("finished, two at a time / rq SimpleWorker", "finished_per_s", (SIMPLE_WORKER,), 7, None, 4, TWO),
    Bar("finished / fastest queue", "finished_per_s", QUEUES, 2.5, at_least=1.3),
    Bar("finished / dask with resources, ray", "finished_per_s", (DASK_WITH_RESOURCES, RAY), 8, at_least=4),
    Bar("finished / redis-py loop", "finished_per_s", (BARE,), 1.5, at_least=0.9),
    Bar("round trip / rq SimpleWorker", "round_trip_p50_ms", (SIMPLE_WORKER,), 0.3, at_most=0.5),
    Bar("memory after 8 at once / rq worker-pool", "memory_after_eight_mb", (POOL,), 0.4, at_most=0.6),
    Bar("functions of 100 ms: share of the ideal", "share_of_ideal", (), 0.99, at_least=0.97),
)


def commands() -> Figure:
    """The bar that needs no repeat: commands that Redis does where one function ends and one starts."""
    counts = costs.commands()[FINISH_ONE.name]
    return Figure(PART, f"commands of {FINISH_ONE.name}", counts, "each", 1, "goal 28", at_most=36)


def bars(rounds: Rounds, size: int) -> Iterator[Figure]:
    """Those for which all that they compare was measured."""
    for bar in BARS:
        ours = _values(rounds, bar.surroundings.name, HANDOFF, bar.key)
        theirs = {peer: found for peer in bar.peers if (found := _values(rounds, PLAIN.name, peer, bar.key))}
        if not ours or (bar.peers and not theirs):
            continue
        best = max if bar.at_most is None else min
        ratios = [
            own / best(found[number] for found in theirs.values()) if theirs else own for number, own in enumerate(ours)
        ]
        note = f"goal {bar.goal:g}"
        if len(bar.peers) > 1:
            note += f"; of {', '.join(theirs)}"
        yield Figure(PART, bar.what, ratios, "x", size, note, at_most=bar.at_most, at_least=bar.at_least)


def _values(rounds: Rounds, surroundings: str, peer: str, key: str) -> list[float]:
    """One for each repeat; none where it was not measured in all of them."""
    repeats = rounds.get((surroundings, peer), [])
    return [values[key] for values in repeats] if all(values.get(key) for values in repeats) else []
