"""Numbers, such as of functions in a run: `1,2,30`."""

from __future__ import annotations

from collections.abc import Iterable


def write_numbers(numbers: Iterable[int]) -> str:
    """Write numbers, in the order in which the scripts are to go through them."""
    return ",".join(map(str, numbers))


def read_numbers(text: str) -> list[int]:
    """Read numbers, in their order. Raises ValueError."""
    return [int(number) for number in text.split(",")] if text else []
