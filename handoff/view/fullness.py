"""How full nodes are, and which of them are to be looked at first. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from handoff.why.use import Use


def fullness(uses: Mapping[str, Use]) -> float:
    """The largest part of anything a node has that is in use, from 0; above 1 where more is held than it has."""
    return max((part_of(use) for use in uses.values()), default=0.0)


def part_of(use: Use) -> float:
    """How much of it is in use, from 0; all of what is held of nothing."""
    if use.capacity:
        return float(use.used / use.capacity)
    return 1.0 if use.used else 0.0


def urgency(state: str, full: float) -> tuple[bool, float]:
    """By which nodes are sorted: those that are not up first, then the fullest."""
    return state == "up", -full
