"""A function that is handed to an agent with the hint.

A mark, then an array of bulk strings as Redis writes one (RESP): by which number of the agent's calls it was started,
the agent's incarnation and epoch, the reservation, and the job's hash, name, value, ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hiredis import HiredisError, Reader

MARK = b"handoff-start "

_NONE = "what is handed over is no list of four values and the fields of a job"


class Handed(NamedTuple):
    """One function, as it was started."""

    op: int
    incarnation: str
    epoch: str
    id: bytes
    job: Sequence[bytes]  #: name, value, ...


def read_handed(text: bytes) -> Handed:
    """Read what begins with the mark. Raises `ValueError`."""
    # A loop in Python over some forty values takes ten times as long.
    reader = Reader()
    reader.feed(text[len(MARK) :])
    try:
        values = reader.gets()
        if isinstance(values, list) and set(map(type, values)) == {bytes} and not reader.has_data():
            op, incarnation, epoch, id, *job = values
            if len(job) % 2 == 0:
                return Handed(int(op), incarnation.decode(), epoch.decode(), id, job)
    # Whoever may publish may say that there are more than any memory holds, or a map whose keys are lists.
    except (HiredisError, TypeError, ValueError, MemoryError) as error:
        raise ValueError(f"{_NONE}: {error}") from error
    raise ValueError(_NONE)
