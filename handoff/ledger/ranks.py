"""What the rank of a function says: its priority, and behind that the order in which functions were submitted. Pure."""

from __future__ import annotations

ORDERS = 2**41
"""There are fewer orders than that: `jobs/job.lua` gives them out."""


def order_of(rank: float) -> int:
    """The order in which it was submitted: the newest has the largest."""
    return int(rank) % ORDERS


def first_of_priority(rank: float) -> int:
    """The smallest rank that one of the same priority can have."""
    return int(rank) - order_of(rank)
