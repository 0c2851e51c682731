"""A clock that a test moves, for an agent that waits for its name: `clocked_agent`."""

from __future__ import annotations

import os
import select
from pathlib import Path

from support.waiting import LIMIT_S


class Clock:
    """Two pipes in a folder: one tells that the agent sleeps, the other that the time has passed."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        for name in ("sleeps", "passed"):
            os.mkfifo(folder / name)
        # For both directions: neither end ever waits for the other to open it.
        self._sleeps = os.open(folder / "sleeps", os.O_RDWR)
        self._passed = os.open(folder / "passed", os.O_RDWR)

    def await_sleep(self) -> float:
        """Wait until the agent goes to sleep, for the first time or again. -> for how many seconds"""
        ready, _, _ = select.select([self._sleeps], [], [], LIMIT_S)
        assert ready, "the agent does not sleep"
        told = os.read(self._sleeps, 64).decode()
        assert told.count("\n") == 1, f"it did not wait to be woken: {told!r}"
        return float(told)

    def end_sleep(self) -> None:
        """Let the time pass for which it sleeps."""
        os.write(self._passed, b"!")

    def close(self) -> None:
        os.close(self._sleeps)
        os.close(self._passed)
