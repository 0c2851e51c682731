"""Several words in one text, with commas between."""

from __future__ import annotations

from collections.abc import Iterable


def write_list(items: Iterable[str]) -> str:
    """Write words, none of which has a comma."""
    return ",".join(items)


def read_list(text: str) -> list[str]:
    """Read words."""
    return [item for item in text.split(",") if item]
