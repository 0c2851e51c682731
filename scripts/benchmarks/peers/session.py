"""One adapter at work in a process of its own, seen from outside: what it answers, and what its processes use."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from benchmarks.peers.environments import PROJECT, python_of
from benchmarks.peers.roster import Peer

ANSWER_S = 600.0
"""How long one verb may take."""

TOLD_LINES = 3


class Broken(Exception):
    """An adapter failed; the message says at which verb, and what it said last."""


class Session:
    """The adapter of one peer, from its start to the end of all its processes."""

    def __init__(self, peer: Peer, url: str, costs: Mapping[str, Any]) -> None:
        self._peer, self._costs = peer, dict(costs)
        self._url = url if peer.has_server else ""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
            self._log = self._folder / "adapter.log"
            # Nothing of this environment goes over but the adapters; one's own peer finds the project as installed.
            paths = {"PYTHONPATH": str(PROJECT / "scripts"), "PYTHONUNBUFFERED": "1"}
            log = stack.enter_context(self._log.open("wb"))
            self._driver = subprocess.Popen(
                [python_of(self._peer), "-m", "benchmarks.adapters.driver", self._peer.adapter],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self._folder,
                env={**os.environ, **paths},
            )
            stack.callback(self._end)
            self._write({"url": self._url, "folder": str(self._folder), "way": self._peer.way, **self._costs})
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def ask(self, verb: str, count: int = 0) -> dict[str, float] | None:
        """Let the adapter do something. -> its figures; None if its system has no such call. Raises `Broken`."""
        self._write({"verb": verb, "count": count})
        assert self._driver.stdout is not None
        ready, _, _ = select.select([self._driver.stdout], [], [], ANSWER_S)
        line = self._driver.stdout.readline() if ready else ""
        answer: dict[str, Any] = (
            json.loads(line) if line else {"error": "it has ended" if ready else f"no answer within {ANSWER_S:.0f} s"}
        )
        if "error" in answer:
            raise Broken(f"{self._peer.name}, {verb}: {answer['error']}{self._said()}")
        return None if "absent" in answer else answer

    def worker_cpu_s(self) -> float:
        """CPU seconds so far of all that the adapter started, with what those waited for that they had started."""
        seconds = 0.0
        for process in self._workers():
            with contextlib.suppress(psutil.NoSuchProcess):
                spent = process.cpu_times()
                ended = getattr(spent, "children_user", 0.0) + getattr(spent, "children_system", 0.0)
                seconds += spent.user + spent.system + ended
        return seconds

    def worker_memory_mb(self) -> float:
        """MB of 2**20 bytes of all that the adapter started; what they share counts in proportion, where known."""
        size = 0
        for process in self._workers():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                memory = process.memory_full_info()
                size += getattr(memory, "pss", memory.uss)
        return size / 2**20

    def _workers(self) -> list[psutil.Process]:
        return psutil.Process(self._driver.pid).children(recursive=True)

    def _write(self, line: Mapping[str, Any]) -> None:
        assert self._driver.stdin is not None
        try:
            self._driver.stdin.write(json.dumps(line) + "\n")
            self._driver.stdin.flush()
        except BrokenPipeError:
            raise Broken(f"{self._peer.name} has ended{self._said()}") from None

    def _said(self) -> str:
        """The last lines of what it, or else a worker, has written."""
        for log in (self._log, *sorted(self._folder.glob("workers-*.log"))):
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            if lines:
                return "; it said: " + " / ".join(lines[-TOLD_LINES:])
        return ""

    def _end(self) -> None:
        """End the adapter, which ends its workers, and by force what is left of both."""
        left = self._workers() if self._driver.poll() is None else []
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._driver.stdin.close()
        try:
            self._driver.wait(30)
        except subprocess.TimeoutExpired:
            self._driver.kill()
            self._driver.wait()
        self._driver.stdout.close()
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
