"""Whose turn it is to tick, of those that wait in one process; of all processes a key in Redis says it."""

from __future__ import annotations

import time
from weakref import WeakValueDictionary

from handoff.errors import StoreUnavailable

EVERY_MS = 400
"""So often somebody ticks, at most."""


class Turn:
    """Among those of one process that wait on one namespace: who came last, and what became of it."""

    __slots__ = ("__weakref__", "_failed", "_next_s")

    def __init__(self) -> None:
        self._next_s = 0.0
        self._failed: StoreUnavailable | None = None

    def is_ours(self) -> bool:
        """Whether nobody of this process has ticked within 400 ms; if so, the caller is to.

        Raises what the server refused to whoever did: nobody who waits is to believe that it ticks. (Of two at one
        moment both may be told so, which does no harm: there is no lock that a fork could leave taken.)
        """
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + EVERY_MS / 1000
            return True
        if self._failed is not None:
            raise StoreUnavailable(*self._failed.args) from self._failed.__cause__
        return False

    def ended(self, failed: StoreUnavailable | None) -> None:
        """Note what became of it."""
        self._failed = failed


_turns: WeakValueDictionary[tuple[str, str], Turn] = WeakValueDictionary()


def turn_of(address: str, namespace: str) -> Turn:
    """The same for all of this process who hold it."""
    return _turns.setdefault((address, namespace), Turn())
