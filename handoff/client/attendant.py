"""Keeps an attached run alive: says again and again that its client is there."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Awaitable, Callable

from handoff.errors import StoreUnavailable
from handoff.ledger import runs
from handoff.ledger.asking import Ledger
from handoff.ledger.store import Store, at_once

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
        at_once(attend(self._store.awaited, self._instance, self._stopped_within))

    async def _stopped_within(self, seconds: float) -> bool:
        return self._stopped.wait(seconds)


async def attend(ledger: Ledger, instance: str, stopped_within: Callable[[float], Awaitable[bool]]) -> None:
    """Say every few seconds that the client of an attached run lives, until the run has ended, or it is to stop."""
    pause_s = 0.0
    while not await stopped_within(pause_s):
        pause_s = TRY_AGAIN_S
        with contextlib.suppress(StoreUnavailable):
            if not await runs.attend(ledger, instance):
                return
            pause_s = ATTEND_EVERY_S
