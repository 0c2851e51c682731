"""Processes of this machine: who is below this one, who bears a mark, how one stands, and the end of them.

A process that daemonizes leaves its session, its group and its parent. Where the kernel lets a process adopt what loses
its parent below it (Linux) nobody leaves that one. Elsewhere the mark in the environment tells whose it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Collection

import psutil

MARK = "HANDOFF_FORKED_BY"
"""Which nursery of which agent forked a process or an ancestor of it: `serial holder`, as in `texts/holder.py`."""

CHILD_MARK = "HANDOFF_CHILD"
"""Which child of that nursery it was."""

_SET_CHILD_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER of Linux's prctl(2)."""

_BETWEEN_LOOKS_S = 0.02

_LONGEST_EXEC_S = 0.1
"""How long a process may be seen between two programs; it takes well below a millisecond where its file is at hand."""

_LOOKS = 3
"""How often a program must be seen without one: it may have come to be just now, or be about to become the next."""


def adopt_orphans() -> bool:
    """Be from now on the parent of whatever loses its own below this process. -> False where there is no such thing."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    return prctl is not None and prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


def own_children() -> list[int]:
    """The children of this process that are not reaped yet, adopted ones too; forked by its main thread."""
    found, before = _listed_children(), None
    # Where one ends while they are listed, Linux may leave another out: see proc_pid_task_children(5).
    while found != before:
        found, before = _listed_children(), found
    return found


def _listed_children() -> list[int]:
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:
            return [int(word) for word in file.read().split()]
    except FileNotFoundError:
        return [child.pid for child in psutil.Process().children()]


def marked(name: str, matches: Callable[[str], bool]) -> list[psutil.Process]:
    """All processes in whose first environment the variable `name` has a value that `matches`, but for this one.

    It costs some 50 us for each process of the machine. The environment of another user's processes cannot be read.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            value = _first_environment(process).get(name)
            if value is not None and process.pid != os.getpid() and matches(value):
                found.append(process)
    return found


def _first_environment(process: psutil.Process) -> dict[str, str]:
    """Read it; what becomes another program just now has none for a moment, and no command line either.

    One look in forty met a shell's background job so: nothing would have been found of it.
    """
    until_s, without = time.monotonic() + _LONGEST_EXEC_S, 0
    # A thread of the kernel has no program at all.
    while not (environment := process.environ()) and process.exe() and time.monotonic() < until_s:
        without += bool(process.cmdline())
        if without == _LOOKS:
            break
    return environment


def is_stopped(pid: int) -> bool:
    """Whether it stands still by a signal; False too of one that a debugger holds."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except (psutil.Error, OSError):
        return False


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except (psutil.AccessDenied, OSError):
        return True


def describe(pid: int) -> str:
    """Say which process it is: `sleep (1234)`."""
    try:
        return f"{psutil.Process(pid).name()} ({pid})"
    except (psutil.Error, OSError):
        return f"process {pid}"


def kill(pid: int) -> None:
    """Kill it, if there is such a process and the kernel lets us."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def go_on(pid: int) -> None:
    """Undo a stop: of its group, where it leads one, for all of it was stopped then."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGCONT)
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGCONT)


def end(find: Callable[[], Collection[int]], limit_s: float) -> list[int]:
    """Kill what `find` finds, again and again, for each may have forked meanwhile. -> what lives on after `limit_s`"""
    until_s, dead = time.monotonic() + limit_s, set[int]()
    while True:
        found = find()
        left = [pid for pid in found if is_alive(pid)]
        # What one had that died since it was found is found by the next look only.
        if not left and dead.issuperset(found):
            return []
        if time.monotonic() > until_s:
            return left
        dead = set(found).difference(left)
        for pid in left:
            kill(pid)
        if left:
            time.sleep(_BETWEEN_LOOKS_S)


def reap(known: Collection[int] = ()) -> None:
    """Take the exit codes of children that are zombies and not among `known`: whoever adopts has to."""
    for pid in set(own_children()).difference(known):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
