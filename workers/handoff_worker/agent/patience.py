"""Asks a Redis that is away, loading or full again until it answers: agents may be started before it."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from math import inf
from typing import TypeVar

from handoff.errors import StoreUnavailable
from handoff.ledger.asking import ScriptBug, may_pass

logger = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST_PAUSE_S = 5.0

SAY_EVERY_S = 60.0
"""How often the log says that Redis is still away."""


class ToldToEnd(Exception):
    """Whoever waited was told to end meanwhile."""


class Patience:
    """Asks again for up to so many seconds; what no waiting changes, such as a wrong password, is raised at once."""

    def __init__(self, wait: Callable[[float], bool], limit_s: float = inf) -> None:
        """`wait` sleeps, and returns False when this process is told to end."""
        self._wait, self._limit_s = wait, limit_s

    def ask(self, call: Callable[[], T]) -> T:
        """Make a call that may be repeated. Raises `StoreUnavailable` when the time is over, and `ToldToEnd`."""
        began_s = time.monotonic()
        pause_s, say_at_s = 0.1, -inf
        while True:
            try:
                answer = call()
            except (StoreUnavailable, ScriptBug) as error:
                waited_s = time.monotonic() - began_s
                left_s = self._limit_s - waited_s
                if left_s <= 0 or not (isinstance(error, ScriptBug) or may_pass(error)):
                    raise
                if waited_s >= say_at_s:
                    until = "" if left_s == inf else f" for another {left_s:.0f} s"
                    logger.warning("%s; waiting for it%s, %.0f s so far", error, until, waited_s)
                    say_at_s = waited_s + SAY_EVERY_S
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
                if not self._wait(min(left_s, pause_s * random.uniform(0.8, 1.2))):
                    raise ToldToEnd from error
            else:
                if say_at_s > 0:
                    logger.warning("Redis is there after %.0f s", time.monotonic() - began_s)
                return answer
