"""Whether Redis is away: how often it was tried in vain, when to try again, and for how long it was away in the end."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from handoff.errors import StoreUnavailable

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.2

LONGEST_PAUSE_S = 8.0

PAUSE_PER_LEASE = 1 / 6
"""An agent that was heard of a third of its lease before an outage then still has the half of it to be heard again."""


def longest_pause_s(lease_s: float) -> float:
    """How long an agent with such a lease waits at most before it tries again."""
    return min(LONGEST_PAUSE_S, lease_s * PAUSE_PER_LEASE)


class Outage:
    """Waits longer from one failure to the next, up to a limit."""

    def __init__(self, clock: Callable[[], float], longest_pause_s: float) -> None:
        self._clock, self._longest_pause_s = clock, longest_pause_s
        self._failures = 0
        self._pause_s = 0.0
        self._since_s = 0.0
        self.until_s = 0.0  #: Redis is left alone until then

    @property
    def lasts(self) -> bool:
        """Whether the last that was asked of it was asked in vain."""
        return self._failures > 0

    def note(self, error: StoreUnavailable) -> None:
        """Take note that it has not answered, and say so."""
        now_s = self._clock()
        if not self._failures:
            self._since_s, self._pause_s = now_s, FIRST_PAUSE_S / 2
        self._failures += 1
        self._pause_s = min(self._longest_pause_s, self._pause_s * 2)
        wait_s = self._pause_s * random.uniform(0.8, 1.2)
        self.until_s = now_s + wait_s
        logger.warning("%s; trying again in %.1f s (failure %d in a row)", error, wait_s, self._failures)

    def is_over(self) -> None:
        """Take note that it has answered, and say so where it had not."""
        if self._failures:
            failures, self._failures = self._failures, 0
            logger.warning(
                "Redis is there again: it was away for %.1f s (failures: %d)",
                self._clock() - self._since_s, failures,
            )  # fmt: skip
