"""How full nodes are, and which of them are to be looked at first. Pure."""

from __future__ import annotations

from handoff.ledger.nodes import Node
from handoff.why.use import Use, resources_of
from handoff.words.resources import Amount


def fullness(node: Node) -> float:
    """The largest part of anything a node has that is in use, from 0; above 1 where more is held than it has."""
    used, has = node.used, node.capabilities
    return max((_part(used.get(name, 0), has.get(name, 0)) for name in resources_of(node)), default=0.0)


def part_of(use: Use) -> float:
    """How much of it is in use, from 0; all of what is held of nothing."""
    return _part(use.used, use.capacity)


def _part(used: Amount, capacity: Amount) -> float:
    if capacity:
        return used / capacity
    return 1.0 if used else 0.0


def urgency(state: str, full: float) -> tuple[bool, float]:
    """By which nodes are sorted: those that are not up first, then the fullest."""
    return state == "up", -full
