"""What is left over of an end in a run, `<kind>|<run or node>|<number>`: the number of a function or group."""

from __future__ import annotations


def read_leftover(text: str) -> tuple[str, str, str]:
    """Read what is left over. -> its kind, run, number; of what is none, empty ones."""
    kind, _, rest = text.partition("|")
    run, bar, number = rest.rpartition("|")
    return (kind, run, number) if bar else ("", "", "")
