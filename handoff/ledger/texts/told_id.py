"""The entry of a stream of what is told, `<placement>-<number>`: a number is given once in an attempt, and grows."""

from __future__ import annotations


def told_id(placement: int, number: int = 0) -> str:
    """The entry of that number; by 0 what stands in front of all of an attempt."""
    return f"{placement}-{number}"


def read_told_id(id: bytes) -> tuple[int, int]:
    """-> placement and number"""
    placement, _, number = id.partition(b"-")
    return int(placement), int(number)
