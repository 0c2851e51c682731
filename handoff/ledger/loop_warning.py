"""The warning for who waits for Redis where nothing else can go on meanwhile."""

from __future__ import annotations

import sys
import warnings

_OWN = ("handoff.", "handoff_worker.")

_told: set[str] = set()


def tell_of_loop() -> None:
    """Warn, once in a process, that an event loop stands still; at the line of the caller that is not ours."""
    if _told:
        return
    _told.add("once")
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and f"{frame.f_globals.get('__name__')}.".startswith(_OWN):
        level, frame = level + 1, frame.f_back
    warnings.warn(
        "a synchronous Handoff cluster is used inside a running event loop, which stands still until Redis has "
        "answered: use handoff.aio.Cluster there, and await its calls",
        RuntimeWarning,
        stacklevel=level,
    )
