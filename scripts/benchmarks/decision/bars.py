"""What a decision may cost at most, and the figures that say whether it does."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.decision.meter import Times
from benchmarks.figures import Figure

PART = "decision"

BY_NODES = 2.0
"""Times from the fewest to the most nodes."""

BY_BACKLOG = 1.2
"""Times from nothing that waits to the most."""

STARTING_ONE = 1.5
"""Times a finish that starts nothing and a submit that is placed, together."""

P99_US = 3_000

BYTES_WAITING = 1_100
"""Ledger memory of one waiting function besides its own data."""


def growth(what: str, series: Mapping[str, Times], size: int, at_most: float) -> Figure:
    """How many times the first of a series the last one takes, by the medians of each run."""
    first, *_, last = series.values()
    values = [after / before for before, after in zip(first.p50(), last.p50(), strict=True)]
    return Figure(PART, what, values, "x", size, said(series), at_most, details(series))


def slowest(what: str, series: Mapping[str, Times], size: int) -> Figure:
    """The p99 of the case whose runs have the highest one in the middle: if it is within the bar, so are all."""
    worst = max(series, key=lambda name: median(series[name].p99()))
    return Figure(PART, what, series[worst].p99(), "us", size, f"the highest: {worst}", P99_US)


def details(series: Mapping[str, Times]) -> dict[str, Any]:
    """All that was measured, as plain data: one value per run."""
    return {
        name: {"p50_us": times.p50(), "p99_us": times.p99(), "mean_us": times.mean()} for name, times in series.items()
    }


def said(series: Mapping[str, Times]) -> str:
    """A line for each: p50, p99 and mean in microseconds, each of the run in the middle."""
    return "\n".join(
        f"{name}: p50 {_middle(times.p50())}, p99 {_middle(times.p99())}, mean {_middle(times.mean())}"
        for name, times in series.items()
    )


def _middle(values: list[float]) -> str:
    return f"{sorted(values)[len(values) // 2]:,.0f}"
