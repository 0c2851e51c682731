"""What the doctor finds, looked for now and then: an examination reads all books, a little at a time."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from handoff.doctor.examine import examine
from handoff.doctor.server import OTHER_LAYOUT, look_around
from handoff.errors import HandoffError
from handoff.ledger.store import Store


@dataclass(frozen=True, slots=True)
class Examined:
    """What the last examination has found."""

    findings: Mapping[str, int]  #: by what they are about
    at_s: float  #: when it ended, by the clock of this process
    took_s: float


class _Ended(Exception):
    """Nobody asks any more."""


class Examining:
    """Examines a namespace at most once in a while, in a thread of its own."""

    def __init__(self, store: Store, every_s: float) -> None:
        self.last: Examined | None = None
        self._store = store
        self._every_s = every_s
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="handoff-metrics-doctor", daemon=True)

    def start(self) -> None:
        """Begin, if it is to be done at all."""
        if self._every_s:
            self._thread.start()

    def stop(self) -> None:
        """End it, also half-way."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join()

    def _go_on(self) -> None:
        while not self._ending.is_set():
            try:
                self.last = self.examine()
            except _Ended:
                return
            except HandoffError:
                # How old the last one is, is served; that Redis is away is told by each scrape.
                pass
            self._ending.wait(self._every_s)

    def examine(self) -> Examined:
        """Examine all of it once. Raises `StoreUnavailable`."""
        begun_s = time.monotonic()
        around = list(look_around(self._store))
        found = Counter(finding.what for finding in around if not finding.is_harmless)
        if all(finding.what != OTHER_LAYOUT for finding in around):
            found.update(violation.rule for violation in examine(self._store, on_step=self._go_on_if_asked))
        return Examined(found, time.time(), time.monotonic() - begun_s)

    def _go_on_if_asked(self, what: str) -> None:
        if self._ending.is_set():
            raise _Ended
