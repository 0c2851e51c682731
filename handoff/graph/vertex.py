"""A function of a graph as a picture shows it: its id, what it takes, and where it stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

INLINE = "inline"
"""The state of what is evaluated within those that take it."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """A function, and where it stands."""

    id: str
    args: Sequence[int]  #: for each argument the index of its vertex
    state: str
    node: str | None = None
    asks: str = ""  #: of one that waits or is delayed: for what, or until when
    infeasible: bool = False  #: no live node could hold it, even when idle
    job_id: str | None = None  #: of inlines None
    attempts: int = 0
    error: Mapping[str, str] | None = None  #: of one that failed: its `type` and `message`
    reason: str = ""  #: of one that was canceled: why


def shown(id: str) -> str:
    """Write a user's id so that it can be seen, in one line."""
    text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in id)
    return repr(text) if not text or text != text.strip() else text
