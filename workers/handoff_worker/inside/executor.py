"""A child's life: one function after the other, and whatever one may have changed in the process put back after it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

from redis import Redis

from handoff_worker.inside.execution import Alarm, execute
from handoff_worker.inside.wire import Channel, encode

SHORT_S = 0.001
"""A function that takes no longer has time to touch some MB at most."""

LONGEST_UNMEASURED = 16
"""Short functions in a row between two looks at the memory of the process, which cost 15 us each."""

_PAGE = resource.getpagesize()


def serve(end: socket.socket) -> None:
    """Run what comes in on `end`, one function at a time, until the agent is gone."""
    channel = Channel(end)
    executor = Executor()
    # No name keeps a task or its outcome while the child waits for the next: they may be large.
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            for task in channel.receive():
                end.sendall(encode(executor.execute(task)))
                del task


class Executor:
    """Runs functions in this process, and puts back after each what it may have changed."""

    def __init__(self) -> None:
        # The directory itself, for it may lose its name.
        self._home = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._settings: Mapping[str, Any] | None = None
        self._connection: Redis | None = None
        self._originals: dict[str, str | None] = {}  #: of the variables that the last task set
        self._rss = 0
        self._unmeasured = LONGEST_UNMEASURED

    def execute(self, task: Mapping[str, Any]) -> dict[str, object]:
        """Run one task, as `Task.frame` makes it, and return its outcome; whatever user code raises is in it.

        `"spent"` asks the agent to end this process: a limit of time has struck, and nobody knows in the midst of what.
        """
        Alarm.struck = False
        began_s = time.monotonic()
        self._set_environment({**task["environment"], "HANDOFF_NODE": task["node"]})
        outcome = execute(task, self._connect)
        self._tidy()
        self._measure(time.monotonic() - began_s)
        return {"id": task["id"], **outcome, "rss": self._rss, "spent": Alarm.struck}

    def _measure(self, seconds: float) -> None:
        """Look how much memory this process has; after short functions only now and then, for they can take little."""
        self._unmeasured += 1
        if seconds > SHORT_S or self._unmeasured > LONGEST_UNMEASURED:
            self._rss, self._unmeasured = _resident_bytes(), 0

    def _connect(self, settings: Mapping[str, Any]) -> Redis:
        """Give a client that connects when it is first used, the same one as long as the settings are."""
        if self._connection is None or settings != self._settings:
            self._settings = settings
            self._connection = Redis.from_url(**settings) if "url" in settings else Redis(**settings)
        return self._connection

    def _set_environment(self, variables: Mapping[str, str]) -> None:
        """Set `variables`, and put back what the task before had set otherwise.

        Only now, because tasks in a row mostly set the same, and to compare costs a third of setting and putting back.
        """
        for name, original in self._originals.items():
            if name not in variables and os.environ.get(name) != original:
                _set_variable(name, original)
        known = self._originals
        self._originals = {name: known[name] if name in known else os.environ.get(name) for name in variables}
        for name, value in variables.items():
            if os.environ.get(name) != value:
                os.environ[name] = value

    def _tidy(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        # Each call costs a short function as much as a tenth of all else that is done around it.
        if signal.pthread_sigmask(signal.SIG_BLOCK, ()) or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL:
            # Ignored for a moment, which drops one that was blocked and would now strike.
            signal.signal(signal.SIGALRM, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_SETMASK, ())
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
        for stream in (sys.stdout, sys.stderr):
            # A child is killed in the end, not asked to exit. The stream may be closed, or its reader gone.
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        os.fchdir(self._home)


def _set_variable(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _resident_bytes() -> int:
    try:
        # Not `open`, which takes four times as long.
        statm = os.open("/proc/self/statm", os.O_RDONLY)
    except FileNotFoundError:
        # Elsewhere only the peak is to be had, in bytes on macOS: a child may be ended too early there.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        return int(os.read(statm, 128).split()[1]) * _PAGE
    finally:
        os.close(statm)
