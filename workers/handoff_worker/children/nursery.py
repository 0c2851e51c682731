"""The agent's handle on the nursery, the process that forks all children (`inside.nursery`), and on its successors."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from handoff_worker.children.child import Child
from handoff_worker.children.outcome import fate
from handoff_worker.children.watch import PATIENCE, PATIENCE_AT_START, Watch, send_on
from handoff_worker.inside.nursery import main_of_fork
from handoff_worker.inside.wire import ARE_YOU_THERE, REQUEST, Channel, Garbled
from handoff_worker.machine import processes
from handoff_worker.machine.processes import MARK
from handoff_worker.machine.survivors import mark
from handoff_worker.machine.titles import can_show_others

logger = logging.getLogger(__name__)

MOST_UNREADY = 3
"""How many nurseries in a row may end before they are ready."""

_BOOT = (
    "import os, sys; sys.path[:] = sys.argv[2].split(os.pathsep); "
    "from handoff_worker.inside.nursery import main; main()"
)

_PAUSES_S = (0.1, 0.5, 2.0, 0)
"""Between tries to start the first where a limit of processes or files is met: what has just ended counts a while."""

_CLOSING_S = 5.0
"""How long a nursery may take to end its children before it is killed itself."""


class NurseryBroken(RuntimeError):
    """No process can be started on this machine that runs functions."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return (
            f"the process that forks all children ended before it was ready, {MOST_UNREADY} times in a row "
            f"({fate(self.code)}): see what it wrote to stderr, most likely of a package that cannot be imported"
        )


class NotLoaded(RuntimeError):
    """What is to be loaded before any function runs cannot be."""

    def __init__(self, entry: str, why: str) -> None:
        super().__init__(entry, why)
        self.entry, self.why = entry, why

    def __str__(self) -> str:
        return f"{self.entry} cannot be preloaded ({self.why}): correct it, see --path, or leave out --preload"


@dataclass(frozen=True, slots=True)
class Imports:
    """What functions find in the processes that run them."""

    path: Sequence[str] = ()  #: folders to import from, before all others
    preload: Sequence[
        str
    ] = ()  #: modules that are imported, and `module:callable`s that are called, before any function
    #: Waits until a file is readable; False where nobody wants that any more.
    await_readable: Callable[[Any], bool] = lambda file: bool(select.select([file], [], [])[0])
    front: str = "handoff"  #: what stands in front of all that lists of processes show of them
    groups: Path | None = None  #: the folder of the control groups of children; None: they have none
    is_agent: bool = False  #: this process is an agent that has no connection yet: its first nursery may be its fork


class NoProcess(RuntimeError):
    """This machine lets us start no process now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"no process can be started on this machine ({self.reason}): "
            "raise the limits of processes and open files (ulimit -u, -n), or end others"
        )


class Nursery:
    """Forks children, in one process after the other: when one is gone, so are its children.

    Never blocks but in `close`, and when a process is gone.
    """

    def __init__(self, imports: Imports, selector: selectors.BaseSelector, adopts: bool) -> None:
        """Start the first process. Whenever `selector` finds this object readable or writable, `hear`.

        What is to be preloaded is waited for, and raises `NotLoaded`. `adopts`: this process has no children but the
        nursery and what it has adopted of it.
        """
        self._imports, self._selector, self._adopts = imports, selector, adopts
        self._not_loaded: NotLoaded | None = None
        self._requests: deque[tuple[Child, socket.socket]] = deque()
        self._unready = 0
        self._code = 0
        self._was_ready = False
        self._may_fork = imports.is_agent
        for pause_s in _PAUSES_S:
            try:
                self.start()
                break
            except NoProcess as error:
                if pause_s == 0:
                    raise
                logger.warning("the process that forks all children cannot be started yet: %s", error.reason)
                time.sleep(pause_s)
        if imports.preload:
            self._await_loaded()

    def _await_loaded(self) -> None:
        while not self._ready and self._imports.await_readable(self._process):
            is_gone = any(report[0] == "gone" for report in self.hear())
            if self._not_loaded is not None:
                if not is_gone:
                    self._process.close()
                raise self._not_loaded
            if is_gone:
                self.start()

    def start(self) -> None:
        """Start a process: one more after `["gone", code]`.

        Raises `NurseryBroken` when none will ever be ready, and `NoProcess` when none can be started now: then nobody
        is asked for any more.
        """
        self._ready = False
        if self._unready >= MOST_UNREADY and not self._was_ready:
            raise NurseryBroken(self._code)
        if self._unready >= MOST_UNREADY:
            # What it imports is there: it is the machine.
            self._unready = 0
            self._drop_requests()
            raise NoProcess(f"the process that forks all children {fate(self._code)}, {MOST_UNREADY} times in a row")
        try:
            self._process = _Process(self._imports, self._adopts, self._may_fork)
        except OSError as error:
            self._drop_requests()
            raise NoProcess(str(error)) from error
        self._may_fork = False
        self._watch, self._is_asked = Watch(), False
        self._selector.register(self._process, selectors.EVENT_READ, self)

    def ask_for(self, child: Child, end: socket.socket) -> None:
        """Have `child` forked with its tray and this end of its channel, which is closed here when handed over."""
        self._requests.append((child, end))
        self._send_requests()

    def withdraw(self, child: Child) -> bool:
        """Take back a wish for a child; False where it was asked for, and may have been forked."""
        for request in self._requests:
            if request[0] is child:
                self._requests.remove(request)
                request[1].close()
                return True
        return False

    def hear(self) -> list[Any]:
        """Return what there is to say of children, and ask for those that are wanted.

        `["forked", number, pid]`, `["not forked", number, reason]`, and `["exited", number, code, ended, left, mb]`,
        with a code as in `subprocess.Popen.returncode`: `ended` are other processes of that child that had to be
        killed, `left` those that nothing has ended, `mb` is the most memory that it has had. `["cleared", number]`
        says that what it left is gone too. After `["gone", code]` all that it was asked for is gone, and another
        `start` is due.
        """
        try:
            reports = self._process.reports()
        except (EOFError, Garbled):
            return [["gone", self._end()]]
        if ["ready"] in reports:
            reports.remove(["ready"])
            self._ready, self._was_ready, self._unready = True, True, 0
        for report in [report for report in reports if report[0] == "not loaded"]:
            reports.remove(report)
            self._not_loaded = NotLoaded(*report[1:])
            logger.error("%s", self._not_loaded)
        if ["here"] in reports:
            reports.remove(["here"])
            self._is_asked = False
        self._send_requests()
        return reports

    def look(self) -> None:
        """Ask whether it is there, and end it when it has not answered for long; then `hear` tells that it is gone."""
        looks = self._watch.found("silent" if self._is_asked or not self._ready else None)
        if looks:
            self._process.send_on()
        if looks >= (PATIENCE if self._ready else PATIENCE_AT_START):
            logger.error("the nursery does not answer: it is killed, and its children with it")
            self._process.kill()
        elif self._ready and not self._is_asked:
            self._is_asked = True
            self._process.ask_whether_there()

    def close(self) -> None:
        """End it and all its children, and wait until they are gone."""
        self._process.close()
        self._drop_requests()

    def _drop_requests(self) -> None:
        for _, end in self._requests:
            end.close()
        self._requests.clear()

    def _send_requests(self) -> None:
        """Ask for the children that are wanted; before the process is ready, nothing could be said of their fate."""
        if not self._ready:
            return
        while self._requests:
            child, end = self._requests[0]
            if not self._process.request(child.number, [end.fileno(), child.tray.fileno()]):
                break
            end.close()
            child.requested = True
            self._requests.popleft()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._requests else 0)
        if wanted != self._selector.get_key(self._process).events:
            self._selector.modify(self._process, wanted, self)

    def _end(self) -> int:
        self._selector.unregister(self._process)
        self._code = self._process.close()
        logger.warning("the nursery is gone (%s): all its children end, and another one is started", fate(self._code))
        self._unready += not self._ready
        return self._code


def _begun(end: socket.socket, first: Sequence[str], imports: Imports, mark: str) -> subprocess.Popen[bytes]:
    """Begin one in a program of its own."""
    paths = [os.pathsep.join(sys.path), os.pathsep.join(first)]
    groups = "" if imports.groups is None else str(imports.groups)
    arguments = [str(end.fileno()), *paths, imports.front, groups, *imports.preload]
    return subprocess.Popen(
        [sys.executable, "-c", _BOOT, *arguments],
        stdin=subprocess.DEVNULL,
        pass_fds=[end.fileno()],
        env={**os.environ, MARK: mark},
        # So that neither Ctrl-C nor the end of a terminal reaches it but through the agent.
        start_new_session=True,
    )


def _can_fork() -> bool:
    """Whether a fork can be a nursery: nothing runs beside us that it would miss, and its mark can be shown."""
    try:
        return len(os.listdir("/proc/self/task")) == 1 and can_show_others()
    except FileNotFoundError:
        return False


def _forked(end: socket.socket, first: Sequence[str], imports: Imports, mark: str) -> _Fork:
    """Begin one as a fork of this process."""
    # What is never collected is never written to, and stays shared with it.
    gc.collect()
    gc.freeze()
    if not (pid := os.fork()):
        os.environ[MARK] = mark
        main_of_fork(end, first, imports.front, imports.groups, imports.preload)
    return _Fork(pid)


class _Fork:
    """A fork of this process, as `subprocess.Popen` shows a program."""

    def __init__(self, pid: int) -> None:
        self.pid, self._process = pid, psutil.Process(pid)

    def kill(self) -> None:
        """Kill it, if it is there."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process.kill()

    def wait(self, limit_s: float | None = None) -> int:
        """-> its exit code; raises `subprocess.TimeoutExpired`"""
        try:
            return int(self._process.wait(limit_s) or 0)
        except psutil.TimeoutExpired as error:
            raise subprocess.TimeoutExpired(str(self.pid), limit_s or 0) from error


class _Process:
    """One nursery process."""

    def __init__(self, imports: Imports, adopts: bool, may_fork: bool) -> None:
        """Start it; its children import from those folders and the current directory first, then as we do."""
        self._adopts = adopts
        self._mark = mark()
        ours, theirs = socket.socketpair()
        with theirs, contextlib.ExitStack() as unless_started:
            unless_started.callback(ours.close)
            first = [*map(os.path.abspath, imports.path), os.getcwd()]
            start = _forked if may_fork and _can_fork() else _begun
            # A signal to all processes of a service must not end it before it says that it ignores them.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            try:
                self._process = start(theirs, first, imports, self._mark)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            unless_started.pop_all()
        ours.setblocking(False)
        self._channel = Channel(ours)

    def fileno(self) -> int:
        """Give the descriptor, for a selector."""
        return self._channel.fileno()

    def request(self, number: int, ends: Sequence[int]) -> bool:
        """Ask for a child with these descriptors; False when it takes no more now, or is gone."""
        try:
            socket.send_fds(self._channel.socket, [REQUEST.pack(number)], ends)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            return False
        return True

    def ask_whether_there(self) -> None:
        """Ask for a sign of life; if it takes no more, or is gone, there is none."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            self._channel.socket.send(ARE_YOU_THERE)

    def send_on(self) -> None:
        """Let it go on if it was stopped by a signal."""
        send_on(self._process.pid)

    def kill(self) -> None:
        """Kill it; its socket tells when it is gone."""
        self._process.kill()

    def reports(self) -> list[Any]:
        """Read what it has to say; raises `EOFError` once it is gone, and all its children with it or about to be."""
        try:
            return self._channel.receive()
        except BlockingIOError:
            return []

    def close(self) -> int:
        """End it and all its children, and return its exit code once they are gone; 5 s later it is killed itself."""
        self._channel.socket.close()
        try:
            code = self._process.wait(_CLOSING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if left := processes.end(self._left, _CLOSING_S):
            logger.error("nothing ends what functions have left running: %s", ", ".join(map(processes.describe, left)))
        return code

    def _left(self) -> list[int]:
        """What is left of it, and of its children: this process has adopted it, or it is known by its mark."""
        if self._adopts:
            processes.reap()
            # Process 1 is given orphans by everybody.
            if os.getpid() != 1:
                return processes.own_children()
        return [process.pid for process in processes.marked(MARK, self._mark.__eq__)]
