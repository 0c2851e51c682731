"""What has happened since this process looks: read from the stream of events often enough that nothing is missed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from handoff.errors import StoreUnavailable
from handoff.ledger.store import Store
from handoff.view.history import OTHERS, History, Spread, Totals

K = TypeVar("K")

EVERY_S = 0.25
BUSY_S = 0.02
"""The stream keeps ten thousand events, and a busy server writes as many in a second: then the next read comes soon."""

MANY = 500
"""Events of one read after which that is so."""

MOST_NAMES = 100
"""Names of functions that are counted one by one: each is six series."""

UNKNOWN = "(unknown)"
"""What has started before this process looked, or was gone before it was looked up."""


def since(first: Totals, now: Totals) -> Totals:
    """What was counted after the first look."""
    return replace(
        now,
        placed=now.placed - first.placed,
        started=now.started - first.started,
        retried=now.retried - first.retried,
        lost_nodes=now.lost_nodes - first.lost_nodes,
        held=now.held - first.held,
        missed=now.missed - first.missed,
        ended=_difference(first.ended, now.ended),
        by_name=_difference(first.by_name, now.by_name),
        waits=_spread_since(first.waits, now.waits),
        durations=_spread_since(first.durations, now.durations),
    )


def _difference(first: Mapping[K, int], now: Mapping[K, int]) -> dict[K, int]:
    return {key: count - first.get(key, 0) for key, count in now.items()}


def _spread_since(first: Spread, now: Spread) -> Spread:
    counts = [count - before for before, count in zip(first.counts, now.counts, strict=True)]
    return Spread(counts, max(0.0, now.total_s - first.total_s))


class Names:
    """Which names are counted one by one: the first that came, for a count that moves to another is none."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        self._most = most
        self._kept: set[str] = set()

    def fold(self, by_name: Mapping[tuple[str, str], int]) -> Counter[tuple[str, str]]:
        """Count by name and outcome, with those of all further names together."""
        found: Counter[tuple[str, str]] = Counter()
        for (name, outcome), count in by_name.items():
            if name and name not in self._kept and name != OTHERS and len(self._kept) < self._most and count:
                self._kept.add(name)
            found[(name if name in self._kept else OTHERS if name else UNKNOWN, outcome)] += count
        return found


@dataclass(frozen=True, slots=True)
class Counted:
    """What has happened since the first look."""

    totals: Totals
    by_name: Mapping[tuple[str, str], int]  #: attempts that have ended, by name and outcome


class Counting:
    """Reads the events of one namespace, in a thread of its own and whenever it is asked. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._history = History(store)
        self._names = Names()
        self._lock = threading.Lock()
        self._first: Totals | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="handoff-metrics-events", daemon=True)

    def start(self) -> None:
        """Begin to read in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End that."""
        self._ending.set()
        self._thread.join()

    def _go_on(self) -> None:
        count = 0
        while not self._ending.wait(EVERY_S if count < MANY else BUSY_S):
            try:
                count = self.read()
            except StoreUnavailable:
                # Whoever scrapes is told so; what is missed meanwhile is counted as a gap.
                count = 0

    def read(self) -> int:
        """Read what has come. What was there at the first time is counted by nobody.

        -> how many events those are. Raises `StoreUnavailable`.
        """
        count = self._history.read()
        with self._lock:
            if self._first is None:
                self._first = self._history.totals()
        return count

    def counted(self) -> Counted | None:
        """What has happened since the first look; None while there was none."""
        with self._lock:
            if self._first is None:
                return None
            totals = since(self._first, self._history.totals())
            return Counted(totals, self._names.fold(totals.by_name))
