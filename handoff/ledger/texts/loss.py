"""With what node a function was lost, and why: `<node>`, `<node> <cause>`, `<node> <cause> <number>`."""

from __future__ import annotations

from dataclasses import dataclass

GRACE, AT_ONCE, DRAINED, DEREGISTERED = "grace", "at-once", "drained", "deregistered"
"""Causes: the grace of its agent ended, after so many seconds; its agent was told to end at once; and so on."""

UNKNOWN, ROLLED_BACK = "unknown", "rolled-back"
"""The agent did not run it, for a reply was lost; Redis was rolled back to before it was started."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How a function was lost."""

    node: str
    cause: str = ""  #: '' = the node was lost
    seconds: str = ""  #: of a grace


def write_cause(cause: str, seconds: float | None = None) -> str:
    """Write what an agent says when it leaves."""
    return cause if seconds is None else f"{cause} {seconds:g}"


def write_loss(node: str, cause: str) -> str:
    """Write a loss, of which `cause` is written."""
    return f"{node} {cause}" if cause else node


def read_loss(text: str) -> Loss:
    """Read a loss; of a cause that nobody here knows, the node alone is sure."""
    node, cause, seconds, *_ = [*text.split(" "), "", ""]
    return Loss(node, cause, seconds)
