"""Calls of Redis whose script fails: a defect of Handoff's, or of what somebody has written, that ends no agent.

What such a call does is left undone meanwhile, and all else goes on. It is said in the log, at first each time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from handoff.ledger.asking import ScriptBug

logger = logging.getLogger(__name__)

BEAT, TICK, QUIET, REGISTER, PENDING = "a heartbeat", "housekeeping", "quiet", "a registration", "a look at what waits"
TELL = "what functions tell"
"""The calls of scripts that an agent makes beside exchanges, as the log has them."""

FIRST_PAUSE_S = 0.25

SAY_EVERY_S = 60.0
"""How often the log has the same again."""


class Stumbles:
    """What has failed so, by the name of the call, and until when it is left alone."""

    def __init__(self, clock: Callable[[], float], longest_pause_s: float) -> None:
        self._clock, self._longest_pause_s = clock, longest_pause_s
        self._pauses_s: dict[str, float] = {}
        self._until_s: dict[str, float] = {}
        self._said: dict[str, tuple[str, float]] = {}

    def may(self, name: str) -> bool:
        """Whether it is time for this call."""
        return self._clock() >= self._until_s.get(name, 0.0)

    def left_s(self, name: str) -> float:
        """For how long it is left alone; 0 = it has not failed."""
        return max(0.0, self._until_s.get(name, 0.0) - self._clock())

    @contextmanager
    def over(self, name: str) -> Iterator[None]:
        """Let a call be made that may fail: then the rest of the block is left out."""
        try:
            yield
        except ScriptBug as error:
            self.note(name, error)
        else:
            self.passed(name)

    def passed(self, name: str) -> None:
        """Take note that it works."""
        self._pauses_s.pop(name, None)
        self._until_s.pop(name, None)

    def note(self, name: str, error: ScriptBug) -> None:
        """Take note that it has failed, and say so."""
        now_s = self._clock()
        pause_s = min(self._longest_pause_s, self._pauses_s.get(name, FIRST_PAUSE_S / 2) * 2)
        self._pauses_s[name], self._until_s[name] = pause_s, now_s + pause_s
        said, at_s = self._said.get(name, ("", 0.0))
        if str(error) != said or now_s >= at_s + SAY_EVERY_S:
            self._said[name] = (str(error), now_s)
            logger.error("%s has failed and is tried again, all else goes on: %s", name, error)
