"""The process that forks the children; knows nothing of functions, Redis or what is due.

It is a process of its own because a fork is safe and cheap only where no thread ever ran and what all children need is
imported already. The first of an agent is its fork where it can be, from before there was any thread or connection: so
both have most of their memory in common. It outlives nothing: when the agent is gone, in whatever way, it takes all
children with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import selectors
import signal
import socket
import sys
import traceback
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from handoff_worker import log
from handoff_worker.inside.executor import serve
from handoff_worker.inside.leftovers import Leftovers, Offspring
from handoff_worker.inside.preload import NotLoaded, load
from handoff_worker.inside.rehearsal import rehearse
from handoff_worker.inside.surroundings import Surroundings, forget_limits
from handoff_worker.inside.wire import REQUEST, Channel, encode
from handoff_worker.machine.own_groups import enter, group_of
from handoff_worker.machine.processes import CHILD_MARK, MARK, adopt_orphans
from handoff_worker.machine.titles import Title, show_others

_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's prctl(2)."""

_RSS_PER_MB = 2**20 if sys.platform == "darwin" else 2**10
"""In what the kernel counts the most memory that a process has had."""

_FAULTS = frozenset(
    (signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP)
)

_ENDURED = tuple(signal.valid_signals() - _FAULTS - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD, signal.SIGCONT})
"""What the nursery ignores: sent to all processes of a service it is meant for the agent, which ends the nursery."""


def main() -> None:
    """Be the nursery in a program of its own: `sys.argv` has the descriptor of its socket, two search paths (the
    agent's and the user's), what stands in front of titles, the folder of control groups ('' = none), and what is to be
    loaded before any function runs.
    """
    agent = socket.socket(fileno=int(sys.argv[1]))
    agent.set_inheritable(False)
    first, front, preloaded = sys.argv[3].split(os.pathsep), sys.argv[4], sys.argv[6:]
    groups = Path(sys.argv[5]) if sys.argv[5] else None
    # User code that looks there finds no arguments of ours.
    del sys.argv[1:]
    _nurse(agent, first, front, groups, preloaded)


def main_of_fork(
    agent: socket.socket, first: Sequence[str], front: str, groups: Path | None, preloaded: Sequence[str]
) -> NoReturn:
    """Be the nursery in a fork of an agent that runs nothing yet; what `main` finds, this makes."""
    code = 1
    try:
        os.setsid()
        with open(os.devnull, "rb") as null:
            os.dup2(null.fileno(), 0)
        # Of the objects that have them none is let go: the frames of the agent stay.
        for descriptor in map(int, os.listdir("/proc/self/fd")):
            if descriptor > 2 and descriptor != agent.fileno():
                with contextlib.suppress(OSError):
                    os.close(descriptor)
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        log.take_down()
        sys.argv[:], sys.orig_argv[:] = ["-c"], [sys.executable, "-c"]
        sys.modules["__main__"] = ModuleType("__main__")
        # Functions may have commands of their own, and another version to import: this one is busy with the agent's.
        for name in [name for name in sys.modules if name.partition(".")[0] == "click"]:
            del sys.modules[name]
        kept = show_others(os.environb)
        _nurse(agent, first, front, groups, preloaded)
        del kept
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        # What was preloaded may have printed.
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        # Never back into what the agent has begun.
        os._exit(code)


def _nurse(
    agent: socket.socket, first: Sequence[str], front: str, groups: Path | None, preloaded: Sequence[str]
) -> None:
    title = Title(front)
    title.name("handoff nursery")
    title.show(b": nursery")
    sys.path[:0] = first
    for number in _ENDURED:
        signal.signal(number, signal.SIG_IGN)
    # Functions print beside the agent's log: stdout is for the answer of whoever has started the agent.
    with contextlib.suppress(OSError):
        os.dup2(2, 1)
    # The agent has blocked them until here.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    forget_limits()
    # Before it is noted what is to be put back after each function.
    try:
        load(preloaded)
    except NotLoaded as error:
        traceback.print_exception(error.__cause__)
        agent.sendall(encode(("not loaded", error.entry, error.why)))
        sys.exit(1)
    around = Surroundings()
    rehearse(around)
    # What putting back makes as a program finds it.
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    # What is never collected is never written to, and stays shared between all children.
    gc.collect()
    gc.freeze()
    _Forks(agent, around, preloaded, title, groups).run()


def _reset_signals() -> None:
    """Give a child what a program starts with, whatever the nursery, the agent or its shell ignores."""
    kept = (signal.SIGPIPE, signal.SIGXFSZ)
    for number in signal.valid_signals():
        if number not in kept and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


class _Forks:
    """The nursery's loop: it forks what the agent asks for, reaps what ends, and says both."""

    def __init__(
        self,
        agent: socket.socket,
        around: Surroundings,
        preloaded: Sequence[str],
        title: Title,
        groups: Path | None,
    ) -> None:
        self._agent, self._around, self._preloaded, self._title = Channel(agent), around, preloaded, title
        self._groups = groups
        self._pid = os.getpid()
        self._prctl = getattr(ctypes.CDLL(None), "prctl", None)
        self._adopts = adopt_orphans()
        self._numbers: dict[int, int] = {}  #: of the living children, by process id
        self._leftovers = Leftovers(self._adopts, self._numbers)
        self._asked = bytearray()
        self._ends: deque[tuple[int, int]] = deque()  #: of a child's channel, and of its tray
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
                for key, _ in selector.select(self._leftovers.timeout_s()):
                    if key.fileobj is self._agent:
                        self._take_requests(selector)
                    else:
                        os.read(self._wake, 4096)
                        self._reap()
                for report in self._leftovers.look():
                    self._say(*report)
        self._end_all()

    def _say(self, *report: object) -> None:
        self._agent.socket.sendall(encode(report))

    def _take_requests(self, selector: selectors.BaseSelector) -> None:
        data, ends, _, _ = socket.recv_fds(self._agent.socket, 64 * REQUEST.size, 2 * 64)
        if not data:
            raise EOFError
        # A read may bring several requests; the order of the descriptors is that of the numbers.
        self._asked += data
        self._ends.extend(zip(ends[::2], ends[1::2], strict=False))
        if len(ends) % 2:
            os.close(ends[-1])
        while len(self._asked) >= REQUEST.size:
            (number,) = REQUEST.unpack_from(self._asked)
            del self._asked[: REQUEST.size]
            if not number:
                self._say("here")
            elif self._ends:
                self._fork(number, self._ends.popleft(), selector)
            else:
                # The kernel drops what would be one open file too many. Each comes with a read of its own.
                self._say("not forked", number, "too many files are open: raise that limit (ulimit -n)")

    def _fork(self, number: int, ends: tuple[int, int], selector: selectors.BaseSelector) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            _close(ends)
            self._say("not forked", number, str(error))
            return
        if pid == 0:
            self._be_a_child(number, ends, selector)
        # Here and in the child: whoever comes first, the group exists before anybody wants to kill it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(pid, pid)
        _close(ends)
        self._numbers[pid] = number
        self._say("forked", number, pid)

    def _be_a_child(self, number: int, ends: tuple[int, int], selector: selectors.BaseSelector) -> NoReturn:
        code = 1
        try:
            os.setpgid(0, 0)
            self._die_with_the_nursery()
            if self._groups is not None:
                enter(group_of(self._groups, number))
            signal.set_wakeup_fd(-1)
            _reset_signals()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # Each child by itself: what its function leaves behind stays below it, and so is known to be of it.
            offspring = Offspring(adopt_orphans(), _mark(number))
            os.environ[CHILD_MARK] = _mark(number)
            selector.close()
            _close((self._agent.socket.detach(), self._wake, self._waker, *chain.from_iterable(self._ends)))
            for end in ends:
                os.set_inheritable(end, False)
            channel, tray = (socket.socket(fileno=end) for end in ends)
            self._title.name("handoff child")
            load(self._preloaded)
            serve(channel, tray, offspring, self._around, self._title)
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
        # Of what was adopted nobody asks for the exit code.
        with contextlib.suppress(ChildProcessError):
            while (ended := os.wait4(-1, os.WNOHANG))[0]:
                self._bury(*ended)
        # Python has imported it for what the kernel tells of them.
        forget_limits()

    def _bury(self, pid: int, status: int, used: Any) -> None:
        if (number := self._numbers.pop(pid, None)) is not None:
            peak_mb = used.ru_maxrss // _RSS_PER_MB
            self._leftovers.add(number, os.waitstatus_to_exitcode(status), _mark(number), peak_mb)
            # What it left behind is killed one by one; here already all that has stayed in its group.
            _kill_group(pid)

    def _end_all(self) -> None:
        marks = [_mark(number) for number in self._numbers.values()]
        for pid in self._numbers:
            _kill_group(pid)
        for pid in self._numbers:
            os.waitpid(pid, 0)
        self._numbers.clear()
        self._leftovers.end_all(marks)


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _mark(number: int) -> str:
    return f"{os.environ.get(MARK, '')} {number}"


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
