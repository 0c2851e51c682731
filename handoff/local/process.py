"""One life of a Redis server: its process, tied to this one, and what it says until it is ready."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from threading import Thread

from handoff.errors import HandoffError
from handoff.local.program import VARIABLE

STOP_S = 5.0
"""How long a server may take to end by itself before it is killed."""

LINES_KEPT = 20
"""How many of the last lines of its log a failed start shows."""

TETHER = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""
"""Becomes the server after asking Linux to kill it with its parent; ends if the parent was faster to die.

A program of its own and not `preexec_fn`, which may deadlock where other threads run.
"""


class ServerNotStarted(HandoffError):
    """A Redis server ended, or stayed silent, before it took connections; `said` is the end of its output."""

    def __init__(self, command: str, said: str) -> None:
        super().__init__(command, said)
        self.command, self.said = command, said

    def __str__(self) -> str:
        said = self.said or "(nothing)"
        return f"the Redis server `{self.command}` did not start: see why below, or name another in {VARIABLE}\n{said}"


class ServerProcess:
    """The process of a server, and the thread that starts it and reads its log to the end.

    The thread starts it because Linux means the *thread* where it says that the parent died: one that lives
    as long as the server's output cannot end it too early, whoever called `start`.
    """

    def __init__(self, command: list[str], folder: Path) -> None:
        self._command, self._folder = command, folder
        self._said: deque[str] = deque(maxlen=LINES_KEPT)
        self._started: Future[subprocess.Popen[str]] = Future()
        self._ready: Future[None] = Future()
        self.ended: Future[int] = Future()  #: by itself too: its exit code, negative of a signal
        self._keeper = Thread(target=self._keep, name="handoff-redis", daemon=True)
        self._keeper.start()
        self._popen = self._started.result()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def runs(self) -> bool:
        return self._popen.poll() is None

    def await_ready(self, seconds: float) -> None:
        """Wait for the log line that says so: Redis writes it once it has the port, and ends where it cannot get it."""
        try:
            self._ready.result(seconds)
        except TimeoutError:
            self.kill()
            raise self._not_started(f"(not ready after {seconds:g} s)") from None

    def signal(self, number: int) -> None:
        self._popen.send_signal(number)

    def kill(self) -> None:
        """Kill it with the children that rewrite its append-only file: they hold its output and its folder."""
        if self.runs:
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        self._keeper.join(STOP_S)

    def stop(self) -> None:
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # a paused process gets the first with the second
        try:
            self._popen.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._keeper.join(STOP_S)

    def _keep(self) -> None:
        try:
            process = subprocess.Popen(
                [*_tether(), *self._command],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # Ctrl-C goes to all of a terminal's group; the server must outlast its clients
            )
        except Exception as error:
            self._started.set_exception(self._not_started(str(error)))
            return
        with process:
            self._started.set_result(process)
            assert process.stdout is not None
            for line in process.stdout:
                self._said.append(line.rstrip())
                if "Ready to accept connections" in line and not self._ready.done():
                    self._ready.set_result(None)
        if not self._ready.done():
            self._ready.set_exception(self._not_started())
        self.ended.set_result(process.returncode)

    def _not_started(self, last: str = "") -> ServerNotStarted:
        lines = [*self._said, last] if last else list(self._said)
        return ServerNotStarted(shlex.join(self._command), "\n".join(lines))


def _tether() -> list[str]:
    """Say what goes before a command so that it dies with this process; nothing where the system cannot do it."""
    if sys.platform != "linux" or not sys.executable:
        return []
    return [sys.executable, "-I", "-S", "-c", TETHER, str(os.getpid())]
