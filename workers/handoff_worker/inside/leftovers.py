"""What functions leave running: seen by a child at the end of each, found and killed by the nursery after the child's.

A child that has processes left says so with its answer, and the agent ends it; the answer counts, and its reservation
is given back, when the nursery says that nothing of the child is left. So there is one place where anything is killed.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from handoff_worker.machine import processes

LONGEST_DYING_S = 5.0
"""How long what was killed may take to be gone before it is told of as a survivor."""

_BETWEEN_LOOKS_S = 0.05
"""Who forks while it is killed gives no sign; what dies gives one."""


class Offspring:
    """The processes that functions have started in this child: direct ones, and all that the child has adopted."""

    def __init__(self, adopts: bool, mark: str) -> None:
        self._adopts, self._mark = adopts, mark
        self._waited_for = _waited_for()

    def lives_on(self) -> bool:
        """Whether any of it runs. Zombies are reaped here, for nobody will ask for them any more."""
        try:
            # One system call where there is nothing, which is what short functions pay.
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return not self._adopts and self._has_orphans()
        return own_but_the_tracker() != []

    def _has_orphans(self) -> bool:
        """Look for them where they are nobody's children; only if there was any child, of which one may be left."""
        before, self._waited_for = self._waited_for, _waited_for()
        return before != self._waited_for and _marked(self._mark) != []


@dataclass(slots=True)
class _Dead:
    """A child that is dead and whose end is not told yet."""

    code: int
    mark: str
    since_s: float
    peak_mb: int
    left: dict[int, str] = field(default_factory=dict)  #: all that was found of it


class Leftovers:
    """The nursery's list of children that are dead, and of what is left of them."""

    def __init__(self, adopts: bool, living: Mapping[int, int]) -> None:
        """`living` are the process ids of children, which are nobody's leftovers."""
        self._adopts, self._living = adopts, living
        self._dead: dict[int, _Dead] = {}  #: by number
        self._survived: dict[int, list[int]] = {}  #: what lives on of those whose end was told all the same

    def add(self, number: int, code: int, mark: str, peak_mb: int) -> None:
        """Take on a child that has just died, and had so much memory at most."""
        self._dead[number] = _Dead(code, mark, time.monotonic(), peak_mb)

    def timeout_s(self) -> float | None:
        """When to `look` again at the latest; None if there is nothing to look for."""
        return _BETWEEN_LOOKS_S if self._dead or self._survived else None

    def look(self) -> list[tuple[object, ...]]:
        """Kill all that is left of the dead, and report of whom nothing is.

        `("exited", number, code, ended, left, peak_mb)`: of what is left after some seconds, for nothing can end it,
        its name is told in `left`. `("cleared", number)` when that is gone too.
        """
        reports: list[tuple[object, ...]] = []
        strangers = self._strangers() if self._adopts and (self._dead or self._survived) else []
        for number, survivors in list(self._survived.items()):
            survivors[:] = filter(processes.is_alive, survivors)
            if not survivors:
                del self._survived[number]
                reports.append(("cleared", number))
        told = {pid for survivors in self._survived.values() for pid in survivors}
        for number, dead in list(self._dead.items()):
            alive = [pid for pid in (strangers if self._adopts else _marked(dead.mark)) if pid not in told]
            # First all of them, for one may fork meanwhile; a zombie still has its name.
            for pid in alive:
                processes.kill(pid)
            for pid in alive:
                dead.left.setdefault(pid, processes.describe(pid))
            if alive and time.monotonic() < dead.since_s + LONGEST_DYING_S:
                continue
            del self._dead[number]
            if alive:
                self._survived[number] = alive
            ended = [text for pid, text in dead.left.items() if pid not in alive]
            reports.append(("exited", number, dead.code, ended, [dead.left[pid] for pid in alive], dead.peak_mb))
        return reports

    def end_all(self, marks: Collection[str]) -> None:
        """Kill whatever is left of any child; all of them are dead."""
        find = self._strangers if self._adopts else lambda: [pid for mark in marks for pid in _marked(mark)]
        processes.end(find, LONGEST_DYING_S)

    def _strangers(self) -> list[int]:
        """All that has lost its parent to a child that is dead: what others have left has their child for a parent."""
        processes.reap(self._living)
        return [pid for pid in processes.own_children() if pid not in self._living]


def own_but_the_tracker() -> list[int]:
    """The children of this process, but for one that Python keeps to itself until this process ends.

    multiprocessing starts it for shared memory and for the start method "spawn"; it holds nothing of a function's, and
    removes what is left of that memory.
    """
    tracker = getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)
    return [pid for pid in processes.own_children() if pid != getattr(tracker, "_pid", None)]


def _marked(mark: str) -> list[int]:
    return [process.pid for process in processes.marked(processes.CHILD_MARK, mark.__eq__)]


def _waited_for() -> tuple[float, ...]:
    """Change whenever a child was waited for, which has used something."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime, used.ru_stime, used.ru_minflt, used.ru_nvcsw, used.ru_nivcsw
