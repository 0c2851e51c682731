"""The function that every throughput figure runs."""

from __future__ import annotations


def nothing() -> None:
    """Return None."""
