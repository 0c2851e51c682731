"""What a node does on which no process can be started: it takes nothing for a while, and tries one now and then."""

from __future__ import annotations

import logging
from math import inf

from handoff_worker.children.pool import Children

logger = logging.getLogger(__name__)

PAUSE_S = 5.0
"""How long a node takes nothing when no process could be started on it, before that is tried again."""

LONGEST_PAUSE_S = 60.0
"""The same when it has been tried in vain, each time for twice as long."""


class Recess:
    """The pauses of one node."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self._pause_s = 0.0  #: 0 = there is none
        self.until_s = inf  #: when to look again, by `time.monotonic()`

    @property
    def reason(self) -> str:
        """Why nothing is taken, for people; '' = there is no reason."""
        unable = self._children.unable
        return f"no process can be started there ({unable})" if unable else ""

    def is_over(self, now_s: float) -> bool:
        """Begin a pause, go on with it, or end it. -> whether it has ended just now"""
        unable = self._children.unable
        if not unable:
            if not self._pause_s:
                return False
            logger.warning("processes can be started again")
            self._pause_s, self.until_s = 0.0, inf
            return True
        if not self._pause_s:
            self._pause_s = PAUSE_S
            logger.warning("no process can be started here (%s): nothing is taken for %.0f s", unable, PAUSE_S)
            self._children.end_idle()
        elif now_s >= self.until_s:
            self._pause_s = min(LONGEST_PAUSE_S, 2 * self._pause_s)
            self._children.try_again()
        else:
            return False
        self.until_s = now_s + self._pause_s
        return False
