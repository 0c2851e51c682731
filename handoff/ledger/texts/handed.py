"""A function that is handed to an agent with the hint.

A mark, then each value as `<length>:<value>`: by which number of the agent's calls it was started, the agent's
incarnation and epoch, the reservation, and the job's hash, name, value, ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MARK = b"handoff-start "


@dataclass(frozen=True, slots=True)
class Handed:
    """One function, as it was started."""

    op: int
    incarnation: str
    epoch: str
    id: bytes
    job: Sequence[bytes]  #: name, value, ...


def read_handed(text: bytes) -> Handed:
    """Read what begins with the mark. Raises `ValueError`."""
    values, at = [], len(MARK)
    while at < len(text):
        colon = text.index(b":", at)
        end = colon + 1 + int(text[at:colon])
        if not colon < end <= len(text):
            raise ValueError("a value is longer than the text, or has no length")
        values.append(text[colon + 1 : end])
        at = end
    op, incarnation, epoch, id, *job = values
    if len(job) % 2:
        raise ValueError("a field has no value")
    return Handed(int(op), incarnation.decode(), epoch.decode(), id, job)
