"""When an agent ends that was told to, and what that costs: the log says it before it happens."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from math import inf

from handoff.errors import OtherLayout
from handoff.ledger.texts.loss import AT_ONCE, GRACE, write_cause
from handoff_worker.agent.started import Started

logger = logging.getLogger(__name__)

DELIVERY_S = 10.0
"""How long past its deadline an agent tries to deliver what had ended before."""

USED_OF_LEASE = 0.9
"""For so much of its lease an agent that cannot renew it lets functions run: the rest is there to kill them."""


class Ending:
    """The end of an agent, from the word that tells it to. No function runs on after `at_s`."""

    def __init__(self, grace_s: float, lease_s: float, now_s: float) -> None:
        """`grace_s`: how long functions may finish; infinite = however long they take. The lease begins now."""
        self._grace_s, self._lease_s, self._heard_s = grace_s, lease_s, now_s
        self._is_foretold = False
        self._foretold: set[str] = set()
        self._drained = 0
        self.has_begun = False
        self.outdated: OtherLayout | None = None  #: it is too old for what is in Redis
        self.is_cut = False  #: what ran was killed; only what has ended is still delivered
        self.at_s = inf  #: no function runs on after this moment of the agent's clock
        self.cause = ""  #: of the loss of what still runs then, as texts/loss writes it

    def begin(self, now_s: float) -> None:
        """Let what runs finish, until the grace is over."""
        if not self.has_begun:
            self.has_begun, self.at_s = True, now_s + self._grace_s
            if self._grace_s < inf:
                self.cause = write_cause(GRACE, self._grace_s)

    def at_once(self) -> None:
        """Let nothing finish."""
        self.has_begun, self.at_s = True, 0.0
        if not self.is_cut:
            self.cause = write_cause(AT_ONCE)

    def heard(self, now_s: float) -> None:
        """Note that the lease was renewed, by a call that was made then."""
        self._heard_s = now_s

    def give_way(self, error: OtherLayout, running: Sequence[Started], now_s: float) -> None:
        """Let what runs finish until others may start it again: of its results none can be delivered any more."""
        self.outdated = error
        self.has_begun = True
        self.at_s = min(self.at_s, self._heard_s + USED_OF_LEASE * self._lease_s)
        self._is_foretold = False
        if running:
            self.foretell(running, now_s)

    def cut(self, now_s: float) -> None:
        """Begin to deliver what has ended: for a while, or once where it was told to end at once."""
        self.is_cut = True
        if self.at_s > 0.0:
            self.at_s = now_s + DELIVERY_S

    def foretell(self, running: Sequence[Started], now_s: float) -> None:
        """Say which functions the deadline will cost; later, what has come since."""
        new = [started for started in running if started.id not in self._foretold]
        if self.at_s == 0.0 or (self._is_foretold and not new):
            return
        self._is_foretold = True
        self._foretold.update(started.id for started in new)
        count = len(running)
        if self.outdated is not None:
            left = f"{count} functions may run until {_clock(self.at_s - now_s)}, when the lease of this node ends"
            _tell(f"ending: {self.outdated}; {left}, and their results are lost", running)
            return
        if self.at_s == inf:
            logger.info("ending: %d functions run, and may for as long as they take; a second signal ends them", count)
            return
        _tell(
            f"ending: {count} functions have {self._grace_s:g} s to finish, until {_clock(self.at_s - now_s)}; "
            "a second signal ends them at once",
            new,
        )

    def tell_cut(self, running: Sequence[Started], returned: Sequence[Started]) -> None:
        """Say what the end costs, when it has come."""
        limit = "lease" if self.outdated is not None else f"grace of {self._grace_s:g} s"
        why = "told to end at once" if self.at_s == 0.0 else f"the {limit} has ended"
        back = f"; {len(returned)} had not begun and are handed back" if returned else ""
        if running or returned:
            _tell(f"{why}: {len(running)} functions are stopped{back}", running)

    def foretell_drain(self, running: Sequence[Started], drained: int, left_s: float) -> None:
        """Say which functions the deadline of a drain will cost; `drained` tells one from another, 0 = none."""
        if drained != self._drained and drained:
            _tell(f"drained: {len(running)} functions have until {_clock(left_s)} to finish", running)
        self._drained = drained


def told(started: Started) -> str:
    """Show a function to people."""
    return f"{started.job_id} ({started.title})" if started.title else started.job_id


def _tell(what: str, running: Iterable[Started]) -> None:
    lost = [told(started) for started in running if not started.has_retries]
    if lost:
        logger.warning("%s. Those that have no retries left fail then: %s", what, ", ".join(lost))
    else:
        logger.info("%s", what)


def _clock(left_s: float) -> str:
    return f"{datetime.now() + timedelta(seconds=left_s):%H:%M:%S}"
