"""The process that forks the children, and the agent's handle on it; knows nothing of functions, Redis or what is due.

It is a process of its own because a fork is safe and cheap only where no thread ever ran and what all children need is
imported already. It outlives nothing: when the agent is gone, in whatever way, it takes all children with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from handoff_worker.inside.wire import Channel, encode

_NUMBER = struct.Struct("!Q")
"""A request is the number of a child, and its end of a socket pair beside it."""

_BOOT = (
    "import os, sys; sys.path[:] = sys.argv[2].split(os.pathsep); "
    "from handoff_worker.children.nursery import main; main()"
)

_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's prctl(2)."""

_CLOSING_S = 5.0
"""How long a nursery may take to end its children before it is killed itself."""


class Nursery:
    """The agent's handle on a nursery process; never blocks but in `close`."""

    def __init__(self, path: Sequence[str]) -> None:
        """Start the process; its children import from `path` and the current directory first, then as we do."""
        ours, theirs = socket.socketpair()
        with theirs:
            first = [*map(os.path.abspath, path), os.getcwd()]
            arguments = [str(theirs.fileno()), os.pathsep.join(sys.path), os.pathsep.join(first)]
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, *arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # So that neither Ctrl-C nor the end of a terminal reaches it but through the agent.
                start_new_session=True,
            )
        ours.setblocking(False)
        self._channel = Channel(ours)

    def fileno(self) -> int:
        """Give the descriptor, for a selector."""
        return self._channel.fileno()

    def request(self, number: int, end: socket.socket) -> bool:
        """Ask for a child on `end`; False when the nursery takes no more now, or is gone."""
        try:
            socket.send_fds(self._channel.socket, [_NUMBER.pack(number)], [end.fileno()])
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            return False
        return True

    def reports(self) -> list[Any]:
        """Read what it has to say; raises `EOFError` once it is gone, and all its children with it or about to be.

        `["ready"]`, `["forked", number, pid]`, `["not forked", number, reason]`, and `["exited", number, code]` with a
        code as in `subprocess.Popen.returncode`, when no process of that child's group is left to be killed.
        """
        try:
            return self._channel.receive()
        except BlockingIOError:
            return []

    def close(self) -> int:
        """End it and all its children, and return its exit code once they are gone; 5 s later it is killed itself."""
        self._channel.socket.close()
        try:
            return self._process.wait(_CLOSING_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def main() -> None:
    """Be the nursery: `sys.argv` has the descriptor of its socket and two search paths, the agent's and the user's."""
    agent = socket.socket(fileno=int(sys.argv[1]))
    agent.set_inheritable(False)
    first = sys.argv[3].split(os.pathsep)
    # User code that looks there finds no arguments of ours.
    del sys.argv[1:]
    # Not at the top: the agent, which imports this module too, has no need of it.
    from handoff_worker.inside.execution import serve

    sys.path[:0] = first
    _reset_signals()
    # What is never collected is never written to, and stays shared between all children.
    gc.collect()
    gc.freeze()
    _Forks(agent, serve).run()


def _reset_signals() -> None:
    """Undo what was inherited: a signal that the agent or its shell ignores or blocks, no child should."""
    kept = (signal.SIGPIPE, signal.SIGXFSZ)
    for number in signal.valid_signals():
        if number not in kept and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


class _Forks:
    """The nursery's loop: it forks what the agent asks for, reaps what ends, and says both."""

    def __init__(self, agent: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        self._agent = Channel(agent)
        self._serve = serve
        self._pid = os.getpid()
        self._prctl = getattr(ctypes.CDLL(None), "prctl", None)
        self._numbers: dict[int, int] = {}  #: of the living children, by process id
        self._asked = bytearray()
        self._ends: deque[int] = deque()
        self._wake, waker = os.pipe()
        self._waker = waker
        os.set_blocking(self._wake, False)
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)

    def run(self) -> None:
        """Work until the agent is gone, then end everything."""
        gone = contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError)
        with gone, selectors.DefaultSelector() as selector:
            selector.register(self._agent, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            self._say("ready")
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._agent:
                        self._take_requests(selector)
                    else:
                        os.read(self._wake, 4096)
                        self._reap()
        self._end_all()

    def _say(self, *report: object) -> None:
        self._agent.socket.sendall(encode(report))

    def _take_requests(self, selector: selectors.BaseSelector) -> None:
        data, ends, flags, _ = socket.recv_fds(self._agent.socket, 64 * _NUMBER.size, 64)
        if flags & socket.MSG_CTRUNC:
            raise OSError("a child's socket was lost on its way: raise the limit of open files (ulimit -n)")
        if not data:
            raise EOFError
        # A read may hold several requests; the order of the descriptors is that of the numbers.
        self._asked += data
        self._ends.extend(ends)
        while len(self._asked) >= _NUMBER.size:
            (number,) = _NUMBER.unpack_from(self._asked)
            del self._asked[: _NUMBER.size]
            self._fork(number, self._ends.popleft(), selector)

    def _fork(self, number: int, end: int, selector: selectors.BaseSelector) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            os.close(end)
            self._say("not forked", number, str(error))
            return
        if pid == 0:
            self._be_a_child(end, selector)
        # Here and in the child: whoever comes first, the group exists before anybody wants to kill it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(pid, pid)
        os.close(end)
        self._numbers[pid] = number
        self._say("forked", number, pid)

    def _be_a_child(self, end: int, selector: selectors.BaseSelector) -> NoReturn:
        code = 1
        try:
            os.setpgid(0, 0)
            self._die_with_the_nursery()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            selector.close()
            for descriptor in (self._agent.socket.detach(), self._wake, self._waker, *self._ends):
                os.close(descriptor)
            os.set_inheritable(end, False)
            self._serve(socket.socket(fileno=end))
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            # Never back into the nursery's loop, nor through what was registered there to run at exit.
            os._exit(code)

    def _die_with_the_nursery(self) -> None:
        if self._prctl is not None:
            self._prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
            # It may have died before the call.
            if os.getppid() != self._pid:
                os._exit(1)

    def _reap(self) -> None:
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            # What it started and left behind ends with it: their reservation is about to be given back.
            _kill_group(pid)
            self._say("exited", self._numbers.pop(pid), os.waitstatus_to_exitcode(status))

    def _end_all(self) -> None:
        for pid in self._numbers:
            _kill_group(pid)
        for pid in self._numbers:
            os.waitpid(pid, 0)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
