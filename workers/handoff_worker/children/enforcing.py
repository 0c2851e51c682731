"""Keeps functions to the memory that they have declared: looks now and then who has more, and tells of those.

That is done by a thread beside the agent's loop: who reads in /proc may wait there for the process of which it reads.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable
from math import inf
from typing import NamedTuple

from handoff_worker.children.child import Child
from handoff_worker.children.nursery import NoProcess
from handoff_worker.children.task import Task
from handoff_worker.machine.memory_use import MB, proportional, resident, tree

LOOK_S = 0.1
"""Between two looks; what is over by then is not looked at."""

LEISURE = 50
"""So many times what a look takes is between it and the next: a fiftieth of a processor at most."""

TOLERANCE, LEAST_TOLERANCE_MB = 0.1, 64
"""A part of what is declared, and MB, whichever is more, that a function may have beside: what Python itself takes."""


CLOSE_S = 1.0
"""For so long it is waited for the end of the thread."""


class Exceeded(NamedTuple):
    """A function that has more memory than it may have."""

    id: str
    used_mb: int


def most_memory(declared_mb: float) -> float:
    """How many bytes a function may have that has declared so many MB. One that declares none has promised nothing."""
    return (declared_mb + max(TOLERANCE * declared_mb, LEAST_TOLERANCE_MB)) * MB if declared_mb else inf


class Enforcer:
    """One thread. Whenever a selector finds it readable, `drain` it."""

    def __init__(self, living: Iterable[Child], exceed: Callable[[Exceeded], None]) -> None:
        """Start the thread; `exceed` is told by `drain`. Raises `NoProcess` where none can be had.

        `living` gives, to any thread, the children that there are.
        """
        self._living, self._exceed = living, exceed
        self._found: queue.SimpleQueue[Exceeded] = queue.SimpleQueue()
        self._told: set[str] = set()  #: ids that were told of already
        self._closing = threading.Event()
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="handoff-enforcer", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            raise NoProcess(str(error)) from error

    def fileno(self) -> int:
        """Readable when something was found."""
        return self._read.fileno()

    def drain(self) -> None:
        """Tell what was found."""
        self._read.recv(4096)
        while not self._found.empty():
            self._exceed(self._found.get())

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._thread.join(CLOSE_S)
        self._read.close()
        self._write.close()

    def _run(self) -> None:
        pause_s = LOOK_S
        while not self._closing.wait(pause_s):
            begun_s = time.monotonic()
            self._look()
            pause_s = max(LOOK_S, LEISURE * (time.monotonic() - begun_s))

    def _look(self) -> None:
        running = [(task, child.pid) for child in self._living if (task := _first_of(child)) is not None]
        self._told &= {task.id for task, _ in running}
        for task, pid in running:
            if pid is None or task.most_memory == inf or task.id in self._told:
                continue
            if (found := judge(task, pid)) is not None:
                self._told.add(task.id)
                self._found.put(found)
                # Where it takes no more there is enough to wake up for; where it is closed nobody is there to hear it.
                with contextlib.suppress(OSError):
                    self._write.send(b"!")


def _first_of(child: Child) -> Task | None:
    """What it runs; the loop may take it off meanwhile."""
    try:
        return child.tasks[0]
    except IndexError:
        return None


def judge(task: Task, pid: int) -> Exceeded | None:
    """Look at a process that runs a function, and at all below it. -> what they have, if that is too much"""
    pids = tree(pid)
    # There what they share counts in each: it is never too little, and the other takes a thousand times as long.
    if resident(pids) <= task.most_memory or (used := proportional(pids)) <= task.most_memory:
        return None
    return Exceeded(task.id, -(-used // MB))
