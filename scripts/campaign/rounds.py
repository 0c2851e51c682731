"""`handoff doctor` beside all that goes on: it looks at the live server again and again."""

from __future__ import annotations

import threading
import traceback

from handoff.doctor.examine import examine
from handoff.errors import StoreUnavailable
from handoff.ledger.store import Store

EVERY_S = 10.0

PATIENCE_S = 60.0
"""What rq's tools leave on a node stays until its agent is there again, and Redis."""


class _Over(Exception):
    """Nobody waits for the rest."""


class Rounds:
    """Goes round on a thread, until `stop`."""

    def __init__(self, store: Store, every_s: float = EVERY_S, patience_s: float = PATIENCE_S) -> None:
        self._store, self._every_s, self._patience_s = store, every_s, patience_s
        self._is_over = threading.Event()
        self._found: list[str] = []
        self.count = 0  #: how often all was looked at
        self._thread = threading.Thread(target=self._go_round, name="doctor", daemon=True)
        self._thread.start()

    def take(self) -> list[str]:
        """What was found to be wrong since the last call."""
        found, self._found = self._found, []
        return found

    def stop(self) -> None:
        """End where it is."""
        self._is_over.set()
        self._thread.join()

    def _go_round(self) -> None:
        while not self._is_over.wait(self._every_s):
            try:
                for violation in examine(self._store, patience_s=self._patience_s, on_step=self._step):
                    self._found.append(f"doctor, meanwhile: {violation}")
                self.count += 1
            except StoreUnavailable:
                continue
            except _Over:
                return
            except Exception:
                self._found.append(f"doctor, meanwhile: {traceback.format_exc()}")

    def _step(self, what: str) -> None:
        if self._is_over.is_set():
            raise _Over
