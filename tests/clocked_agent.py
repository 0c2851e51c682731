"""`python -m clocked_agent FOLDER ARGUMENT...`: the agent, which waits for its name by a clock that a test moves.

FOLDER is that of a `support.clock.Clock`.
"""

from __future__ import annotations

import os
import runpy
import select
import sys
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch


class StoppedClock:
    """In place of `time` and `select`: tells the test that somebody sleeps, and how long; the test ends the sleep."""

    def __init__(self, folder: str) -> None:
        self._sleeps = os.open(f"{folder}/sleeps", os.O_WRONLY)
        self._passed = os.open(f"{folder}/passed", os.O_RDONLY)
        self._now_s = 0.0

    def monotonic(self) -> float:
        return self._now_s

    def select(self, files: list[Any], _w: Any, _x: Any, seconds: float) -> tuple[list[Any], list[Any], list[Any]]:
        os.write(self._sleeps, f"{seconds}\n".encode())
        ready, _, _ = select.select([*files, self._passed], [], [])
        if self._passed in ready:
            os.read(self._passed, 1)
            self._now_s += seconds
        return [file for file in files if file in ready], [], []


def main() -> None:
    """Be the agent."""
    clock = StoppedClock(sys.argv.pop(1))
    with (
        patch("handoff_worker.agent.lifetime.time", SimpleNamespace(monotonic=clock.monotonic)),
        patch("handoff_worker.agent.patience.time", SimpleNamespace(monotonic=clock.monotonic)),
        patch("handoff_worker.agent.lifetime.select", SimpleNamespace(select=clock.select)),
    ):
        runpy.run_module("handoff_worker", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
