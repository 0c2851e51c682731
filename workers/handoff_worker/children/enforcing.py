"""Keeps functions to the memory that they have declared: looks now and then who has more, and tells of those.

That is done by a thread beside the agent's loop: who reads in /proc may wait there for the process of which it reads.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import NamedTuple

from handoff.ledger.exceeded import GPU_MEMORY, MEMORY
from handoff_worker.children.child import Child
from handoff_worker.children.nursery import NoProcess
from handoff_worker.children.task import Task
from handoff_worker.machine.gpu_use import DeviceUse
from handoff_worker.machine.memory_use import MB, proportional, resident, tree

LOOK_S = 0.1
"""Between two looks."""

YOUNG_S = 0.02
"""What has not run for so long is not looked at: of functions that follow each other quickly none is."""

LARGEST_PAUSE_S, FASTEST = 1.0, 4096 * MB
"""One that has room for so many bytes is not looked at for a second: it takes as long to fill that."""

LEISURE = 50
"""So many times what a look takes is between it and the next: a fiftieth of a processor at most."""

GPU_LOOK_S, GPU_LEISURE = 1.0, 10
"""The same of memory of gpus: the driver's tool takes a tenth of a second and more, most of which it waits."""

TOLERANCE, LEAST_TOLERANCE_MB = 0.1, 64
"""A part of what is declared, and MB, whichever is more, that a function may have beside: what Python itself takes."""

LEAST_GPU_TOLERANCE_MB = 512
"""The same on gpus: what the driver takes there for each process."""

CLOSE_S = 1.0
"""For so long it is waited for the end of the thread."""


class MemorySeen(NamedTuple):
    """What a function was seen to have: whatever it is of gpus, and of other memory too much."""

    id: str
    used_mb: int
    resource: str = MEMORY
    is_too_much: bool = True


def most_memory(declared_mb: float) -> float:
    """How many bytes a function may have that has declared so many MB. One that declares none has promised nothing."""
    return _most(declared_mb, LEAST_TOLERANCE_MB)


def most_gpu_memory(declared_mb: float) -> float:
    """The same of memory of gpus."""
    return _most(declared_mb, LEAST_GPU_TOLERANCE_MB)


def _most(declared_mb: float, least_tolerance_mb: float) -> float:
    return (declared_mb + max(TOLERANCE * declared_mb, least_tolerance_mb)) * MB if declared_mb else inf


class Enforcer:
    """One thread, and one for gpus. Whenever a selector finds it readable, `drain` it."""

    def __init__(
        self,
        living: Iterable[Child],
        exceed: Callable[[MemorySeen], None],
        gpus: Callable[[], Mapping[str, DeviceUse] | None] | None = None,
        *,
        only_gpus: bool = False,
    ) -> None:
        """Start the threads; `exceed` is told by `drain`. Raises `NoProcess` where none can be had.

        `living` gives, to any thread, the children that there are; `gpus` who uses how much of each gpu, by its UUID.
        With `only_gpus` other memory is left to the kernel.
        """
        self._living, self._exceed, self._gpus = living, exceed, gpus
        self._found: queue.SimpleQueue[MemorySeen] = queue.SimpleQueue()
        self._on_gpus: dict[str, int] = {}  #: MB that each was seen to have of gpus
        self._due_s: dict[str, float] = {}  #: when one is looked at again; infinite: it was told of
        self._closing = threading.Event()
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        runs = [*([] if only_gpus else [self._run]), *([self._run_on_gpus] if gpus else [])]
        self._threads = [threading.Thread(target=run, name="handoff-enforcer", daemon=True) for run in runs]
        try:
            for thread in self._threads:
                thread.start()
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
        """End the threads."""
        self._closing.set()
        for thread in self._threads:
            thread.join(CLOSE_S)
        self._read.close()
        self._write.close()

    def _run(self) -> None:
        pause_s = LOOK_S
        while not self._closing.wait(pause_s):
            begun_s = time.thread_time()
            self._look()
            # Not how long it waited for a processor: on a busy host, too, it has to be seen in time.
            pause_s = max(LOOK_S, LEISURE * (time.thread_time() - begun_s))

    def _look(self) -> None:
        now_s, before_s = time.monotonic(), self._due_s
        self._due_s = {}
        for child in self._living:
            task, pid, since_s = _first_of(child), child.pid, child.since_s
            if task is None or pid is None or since_s == inf or task.most_memory == inf:
                continue
            due_s = before_s.get(task.id, since_s + YOUNG_S)
            self._due_s[task.id] = due_s if now_s < due_s else self._judge(task, pid, now_s)

    def _judge(self, task: Task, pid: int, now_s: float) -> float:
        """Look at one. -> when it is to be looked at again"""
        used = memory_of(pid, task.most_memory)
        if used <= task.most_memory:
            return now_s + filled_s(task.most_memory - used)
        self._tell(MemorySeen(task.id, -(-used // MB)))
        return inf

    def _tell(self, seen: MemorySeen) -> None:
        self._found.put(seen)
        # Where it takes no more there is enough to wake up for; where it is closed nobody is there to hear it.
        with contextlib.suppress(OSError):
            self._write.send(b"!")

    def _run_on_gpus(self) -> None:
        pause_s = GPU_LOOK_S
        while not self._closing.wait(pause_s):
            begun_s = time.monotonic()
            self._look_at_gpus()
            pause_s = max(GPU_LOOK_S, GPU_LEISURE * (time.monotonic() - begun_s))

    def _look_at_gpus(self) -> None:
        """Tell of each that has declared memory of gpus what it has there, if it is more than before."""
        running = [(task, child.pid) for child in self._living if (task := _first_of(child)) is not None]
        asked = [(task, pid) for task, pid in running if pid is not None and task.most_gpu_memory < inf]
        uses = (asked and self._gpus and self._gpus()) or {}
        before, self._on_gpus = self._on_gpus, {}
        for task, pid in asked:
            used_mb, had_mb = _of_gpus(uses.values(), pid), before.get(task.id, 0)
            self._on_gpus[task.id] = max(used_mb, had_mb)
            if used_mb > had_mb:
                is_too_much = used_mb * MB > task.most_gpu_memory
                self._tell(MemorySeen(task.id, used_mb, GPU_MEMORY, is_too_much))


def _of_gpus(uses: Iterable[DeviceUse], pid: int) -> int:
    """MB that a process and all below it have of all gpus, as far as that is told."""
    family = tree(pid)
    return sum(use.used_by(family) or 0 for use in uses)


def _first_of(child: Child) -> Task | None:
    """What it runs; the loop may take it off meanwhile."""
    try:
        return child.tasks[0]
    except IndexError:
        return None


def filled_s(room: float) -> float:
    """How long one need not be looked at that may have so many bytes more."""
    return min(LARGEST_PAUSE_S, room / FASTEST)


def memory_of(pid: int, most: float) -> int:
    """Look at a process and all below it. -> their bytes; where those are at most `most`, never too little"""
    pids = tree(pid)
    # There what they share counts in each: it is never too little, and the other takes a thousand times as long.
    used = resident(pids)
    return used if used <= most else proportional(pids)
