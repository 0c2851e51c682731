"""Keeps an attached run alive: says again and again that its client is there."""

from __future__ import annotations

import contextlib
import threading

from handoff.errors import StoreUnavailable
from handoff.ledger import runs
from handoff.ledger.store import Store

ATTEND_EVERY_S = 5.0
"""A third of `options.ATTENDED_MS`: two words may be lost on the way."""

TRY_AGAIN_S = 1.0
"""How soon a word that was lost is said again."""


class Attendant:
    """A thread that says every few seconds that the client of an attached run lives, until the run has ended.

    A daemon: it does not keep the program alive, and a run is to notice that the program is gone.
    """

    def __init__(self, store: Store, instance: str) -> None:
        self._store = store
        self._instance = instance
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._attend, name=f"handoff-attend-{instance}", daemon=True)

    def start(self) -> Attendant:
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Say no more; returns when the thread has ended. May be called again, and after a fork."""
        self._stopped.set()
        self._thread.join()

    def _attend(self) -> None:
        pause_s = 0.0
        while not self._stopped.wait(pause_s):
            pause_s = TRY_AGAIN_S
            with contextlib.suppress(StoreUnavailable):
                if not runs.attend(self._store, self._instance):
                    return
                pause_s = ATTEND_EVERY_S
