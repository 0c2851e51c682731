"""What becomes due by the clock alone: `<kind>|<of whom>`, of a variant that joins later `after|<its number>|<job>`."""

from __future__ import annotations


def read_timer(text: str) -> tuple[str, str, int | None]:
    """Read a timer. -> its kind, of whom, number of the variant or None"""
    kind, _, rest = text.partition("|")
    number, bar, job_id = rest.partition("|")
    return (kind, job_id, int(number)) if kind == "after" and bar and number.isdecimal() else (kind, rest, None)


def write_timer(kind: str, name: str, number: int | None = None) -> str:
    """Write a timer; `number` is that of a variant."""
    return f"{kind}|{name}" if number is None else f"{kind}|{number}|{name}"
