"""The verbs that every system is measured by, and the processes that stand behind them.

An adapter runs in a process of its own, in the environment of its system, as the client. All that it starts are its
descendants, so that whoever measures finds their CPU and their memory without asking.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKERS = 2
"""Worker processes of each system."""

ADDRESS = "BENCHMARK_REDIS_URL"
"""Where the workers, too, find the address of the server, when they import what they run."""

GIVE_UP_S = 300.0
LOOK_S = 0.005


class NotOffered(Exception):
    """The system has no such call."""


@dataclass(frozen=True, slots=True)
class Setting:
    """In what surroundings a system is measured."""

    url: str  #: of the Redis server, with its password; '' for those that use none
    folder: Path  #: to write files to
    way: str = ""  #: which of several ways of the system
    cpu: float = 0.1  #: cores of a function, where functions have a cost
    memory: int = 10  #: MB of a function
    shapes: int = 1  #: how many costs there are, one MB apart


class Adapter:
    """One system: workers that are started, held, let go and stopped, and a client that submits no-ops and waits.

    Held workers are stopped by a signal, with all their processes, unless the system has a better way of its own.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the workers. Returns when they are on their way; the first result tells that they are there."""
        raise NotImplementedError

    def prepare(self, count: int) -> None:
        """Make ready for `count` submits while there are no workers."""

    def submit(self, number: int) -> Any:
        """Submit the no-op with that number. -> what `wait` takes"""
        raise NotImplementedError

    def submit_many(self, first: int, count: int) -> None:
        """Submit `count` in one call."""
        raise NotOffered

    def submit_rest(self, number: int) -> None:
        """Submit a function of a tenth of a second."""
        raise NotOffered

    def wait(self, submitted: Any) -> None:
        """Return when the client has the result of one."""
        raise NotImplementedError

    def submit_each(self, numbers: Sequence[int]) -> list[float]:
        """Submit one by one. -> how many seconds each took"""
        took = []
        for number in numbers:
            began_s = time.perf_counter()
            self.submit(number)
            took.append(time.perf_counter() - began_s)
        return took

    def submit_at_once(self, numbers: Sequence[int], lanes: int) -> float:
        """Submit one by one in each of so many threads, which share the client. -> how many seconds all took"""

        def each(first: int) -> None:
            for number in numbers[first::lanes]:
                self.submit(number)

        with ThreadPoolExecutor(lanes) as pool:
            # So that no thread comes into being while the clock runs.
            together = threading.Barrier(lanes)
            list(pool.map(lambda _: together.wait(GIVE_UP_S), range(lanes)))
            began_s = time.perf_counter()
            list(pool.map(each, range(lanes)))
            return time.perf_counter() - began_s

    def make_round_trips(self, numbers: Sequence[int]) -> list[float]:
        """Submit one and wait for its result, again and again. -> how many seconds each took"""
        took = []
        for number in numbers:
            began_s = time.perf_counter()
            self.wait(self.submit(number))
            took.append(time.perf_counter() - began_s)
        return took

    def finished(self) -> int:
        """How many of all that were submitted have a result that can be read from outside."""
        raise NotImplementedError

    def hold(self) -> None:
        """Let the workers take nothing from now on."""
        self._signal(signal.SIGSTOP)

    def let_go(self) -> None:
        """Let held workers take what there is."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the workers, by force."""
        self._signal(signal.SIGKILL)
        for process in self.processes:
            process.wait()

    def await_finished(self, count: int) -> None:
        """Return when so many have a result; raise TimeoutError after five minutes."""
        deadline_s = time.monotonic() + GIVE_UP_S
        while (found := self.finished()) < count:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{found} of {count} have a result after {GIVE_UP_S:.0f} s")
            time.sleep(LOOK_S)

    def spawn(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start one process group of workers; addresses with passwords go into the environment."""
        log = (self.setting.folder / f"workers-{len(self.processes)}.log").open("wb")
        with log:
            self.processes.append(
                subprocess.Popen(
                    command,
                    env={**os.environ, **(environment or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, number)


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module in this environment."""
    return [sys.executable, "-m", name, *arguments]
