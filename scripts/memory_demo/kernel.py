"""Plays the kernel of a machine that has no more memory than the node declares: kills whoever is the largest.

What really is to be had of this machine is never reached, so nothing else on it is in danger.
"""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType
from typing import Self

import psutil

from handoff_worker.machine.memory_use import MB, proportional, resident, tree

LOOK_S = 0.05
"""Between two looks."""

GONE_S = 10.0
"""How long a process may take that was killed: until then its memory is not free."""


class Kernel:
    """Watches, while its block is entered, the processes of a node, as if its machine had so many MB for functions."""

    def __init__(self, agent: int, mb: int) -> None:
        self._agent = agent
        # An operator leaves something to the agent, beside what is declared.
        self._most = mb * MB + proportional(tree(agent))
        self.killed: list[int] = []  #: MB that each had
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="kernel", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(LOOK_S):
            pids = tree(self._agent)
            # What is resident is soon read, and counts what they share in each: it is never too little.
            if resident(pids) > self._most and proportional(pids) > self._most:
                self._kill_largest(pids)

    def _kill_largest(self, pids: list[int]) -> None:
        had, largest = max((resident([pid]), pid) for pid in pids)
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(largest)
            process.kill()
            self.killed.append(had // MB)
            process.wait(GONE_S)
