"""Numbers of functions in a run, `1,2,30`."""

from __future__ import annotations

from collections.abc import Iterable


def write_numbers(numbers: Iterable[int]) -> str:
    """Write numbers, in the order in which the scripts are to go through them."""
    return ",".join(map(str, numbers))
