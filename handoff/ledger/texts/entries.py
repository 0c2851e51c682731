"""What a slice of a graph consists of: entries `kind, number, count` and as many values, one behind the other."""

from __future__ import annotations

Value = str | bytes | int

FIRST_VALUE = 3
"""Where the values of an entry begin."""


def write_entry(kind: str, number: int, *values: Value) -> list[Value]:
    """Write one entry; its number is that of a function, of a group, or 0."""
    return [kind, number, len(values), *values]
