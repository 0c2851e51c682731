"""Who has come to a standstill: looked for every few seconds, and counted in looks, for we may stand still ourselves.

What stands still by a signal is told to go on, which costs nothing; only what does not is given up.
"""

from __future__ import annotations

import logging

from handoff_worker.machine import processes

logger = logging.getLogger(__name__)

LOOK_S = 5.0
"""Between two looks."""

PATIENCE = 6
"""Looks in a row that find somebody where he was."""

PATIENCE_AT_START = 24
"""The same of a nursery that is not ready: on a busy machine its imports take long."""


class Watch:
    """Counts how often it was found in a row that nothing moves."""

    def __init__(self) -> None:
        self._sign: object = None
        self._looks = 0

    def found(self, sign: object) -> int:
        """Note what was found, None = all is well. -> how often in a row it was the same"""
        self._looks = self._looks + 1 if sign is not None and sign == self._sign else int(sign is not None)
        self._sign = sign
        return self._looks


def send_on(pid: int) -> bool:
    """Tell a process and its group to go on if it stands still by a signal. -> whether it did"""
    if not processes.is_stopped(pid):
        return False
    logger.warning("%s was stopped by a signal: it is told to go on", processes.describe(pid))
    processes.go_on(pid)
    return True
