"""A heartbeat: calls that renew the lease, and compare what runs and what is reserved here with the books, in pages."""

from __future__ import annotations

from collections.abc import Callable, KeysView

from handoff_worker.agent.learning import Learning
from handoff_worker.agent.ledger import Beaten, NodeLedger

MOST_TOLD = 64
"""Reservations that one call tells of: some 10 us each in its script."""

MOST_DENIED = 16
"""The same of one that says what does not run here: what comes of that may be a hundred times as much work."""


class Heartbeat:
    """One after the other, in as many calls as each takes. Between these the agent does what else there is to do."""

    def __init__(self, ledger: NodeLedger, learning: Learning, worked_s: Callable[[], float] = lambda: 0.0) -> None:
        """`worked_s`: how long functions have run so far, all together, where somebody knows."""
        self._ledger, self._learning, self._worked_s = ledger, learning, worked_s
        self._untold: list[str] = []  #: of what ran when it began
        self._at = ""  #: how far what is reserved was looked at, '' = not at all, or all of it

    @property
    def is_over(self) -> bool:
        """Whether the next call begins another."""
        return not self._untold and not self._at

    def go_on(self, runs: KeysView[str], op: int) -> Beaten:
        """Make its next call. `op` is the last exchange that was answered. Raises `Stale` and `Behind`."""
        if self.is_over:
            self._untold = list(runs)
        told = [id for id in self._untold[-MOST_TOLD:] if id in runs]
        beaten = self._ledger.beat(told, op, self._at, self._worked_s())
        del self._untold[-MOST_TOLD:]
        self._at = beaten.at
        if self.is_over and (samples := self._learning.take()):
            self._ledger.learn(samples, self._learning.ttl_s)
        return beaten

    def deny(self, ids: list[str], op: int) -> None:
        """Say of what was asked for that it does not run here."""
        for first in range(0, len(ids), MOST_DENIED):
            self._ledger.deny(ids[first : first + MOST_DENIED], op)
