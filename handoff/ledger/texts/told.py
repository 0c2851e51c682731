"""What a function tells while it runs, as its agent sends it: reservation, kind, number, value.

`progress`: how far it is, from 0 to 1, and what it says to that. `part` and `output`: which of what it has yielded or,
by its end, printed, and that. `kept`: the first part that is kept. `dropped`: output that is not, by its end.
"""

from __future__ import annotations


def write_told(id: str, kind: str, number: float, value: str | bytes) -> list[str | bytes]:
    """Write one thing that the function of a reservation tells."""
    return [id, kind, repr(number), value]
