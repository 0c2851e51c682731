"""A child's life: one function after the other, and whatever one may have changed in the process put back after it."""

from __future__ import annotations

import contextlib
import os
import resource
import socket
import sys
import time
from collections.abc import Mapping
from contextvars import Context
from typing import Any, Protocol

from redis import Redis

from handoff.ledger.address import from_url
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.reservation import job_of
from handoff_worker import log
from handoff_worker.inside.execution import execute
from handoff_worker.inside.leftovers import Offspring
from handoff_worker.inside.limits import Alarm
from handoff_worker.inside.metering import Meter
from handoff_worker.inside.printing import Printing
from handoff_worker.inside.surroundings import Surroundings
from handoff_worker.inside.telling import LOG_BYTES, Telling, stay_silent_in_forks
from handoff_worker.inside.wire import Channel, encode, take
from handoff_worker.machine.titles import Title

SHORT_S = 0.001
"""A function that takes no longer has time to touch some MB at most."""

LONGEST_UNMEASURED = 16
"""Short functions in a row between two looks at the memory of the process, which cost 15 us each."""

_IDLE = b": idle"

_PAGE = resource.getpagesize()


def serve(end: socket.socket, tray: socket.socket, offspring: Offspring, around: Surroundings, title: Title) -> None:
    """Run what lies in `tray`, one function at a time, until the agent is gone, and answer on `end`.

    What is taken counts as begun: so each function is answered for before the next one is taken, and no other can cost
    it its result. Where it has spent the process, nothing more is taken. `around` is the nursery's.
    """
    channel = Channel(end)
    around.note()
    telling = Telling(end.sendall)
    stay_silent_in_forks(telling)
    printing = Printing(telling.print, os.environ.get(log.VARIABLE, log.FORMS[0]))
    printing.attach("stdout", sys.stdout)
    printing.attach("stderr", sys.stderr)
    executor = Executor(around, telling, printing)
    # No name keeps a task or its outcome while the child waits for the next: they may be large.
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        goes_on = True
        while goes_on:
            title.show(_IDLE)
            task = take(tray, channel)
            title.show(_what_runs(task))
            outcome = executor.execute(task)
            outcome["left"] = offspring.lives_on()
            telling.answer(encode(outcome))
            goes_on = not (outcome["spent"] or outcome["left"])
            del outcome, task
        while True:
            channel.receive()


def _what_runs(task: Mapping[str, Any]) -> bytes:
    """Say it for lists of processes: `: films.train 3f0c`."""
    job = StoredJob(task["job"])
    name = job.bytes("code") or job.bytes("description").partition(b"(")[0]
    kind = b"on_failure of " if task["kind"] == "on_failure" else b""
    return b": %b%b %b" % (kind, name, job_of(task["id"]).encode())


class Around(Protocol):
    """What is around the functions of a process: `Surroundings`."""

    def set_environment(self, variables: Mapping[str, str]) -> None: ...

    def note_import(self) -> None: ...

    def put_back(self) -> bool: ...


class Executor:
    """Runs functions in this process, and puts back after each what it may have changed."""

    def __init__(self, around: Around, telling: Telling, printing: Printing) -> None:
        self._around, self._telling, self._printing = around, telling, printing
        self._pid = os.getpid()
        self._settings: Mapping[str, Any] | None = None
        self._connection: Redis | None = None
        self._kept, self._meter = 0, Meter()  #: bytes that the process has and did not have in the beginning
        self._born = _resident_bytes()[0]
        self._unmeasured = LONGEST_UNMEASURED
        self._is_new = True
        self._most_open = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2

    def execute(self, task: Mapping[str, Any]) -> dict[str, object]:
        """Run one task, as `Task.packed` makes it, and return its outcome; whatever user code raises is in it.

        `"spent"` asks the agent to end this process: a limit of time has struck, and nobody knows in the midst of what,
        or what the function has changed cannot be put back, or nothing could be imported that a new process may find.
        """
        Alarm.struck = False
        self._telling.begin(task["id"], task.get("log_bytes", LOG_BYTES))
        self._printing.begin(task["id"])
        began_s = time.monotonic()
        self._meter.begin()
        self._around.set_environment({**task["environment"], "HANDOFF_NODE": task["node"]})
        # In a context of its own, for that of `decimal` and whatever else a function sets there.
        outcome = Context().run(
            execute, task, self._connect, self._around.note_import, self._telling, is_new=self._is_new
        )
        if os.getpid() != self._pid:
            # The function forked, and this is the fork that came back: the answer is not its to give.
            os._exit(0)
        self._printing.end()
        is_sound = self._around.put_back()
        took_s = time.monotonic() - began_s
        cpu_s = self._meter.cpu_s(is_short=took_s <= SHORT_S)
        is_sound = self._measure(took_s) and is_sound
        is_in_doubt = not (outcome.get("begun", True) or self._is_new)
        self._is_new = False
        is_spent = Alarm.struck or is_in_doubt or not is_sound
        used = {"took": took_s, "cpu": cpu_s, "memory": self._meter.memory_mb}
        return {"id": task["id"], **outcome, "kept": self._kept, **used, "spent": is_spent}

    def _measure(self, seconds: float) -> bool:
        """Look how much memory this process has; after short functions only now and then, for they can take little.

        -> False where more than half of the descriptors are open that it may have.
        """
        self._unmeasured += 1
        if seconds <= SHORT_S and self._unmeasured <= LONGEST_UNMEASURED:
            return True
        self._unmeasured = 0
        try:
            resident, descriptor = _resident_bytes()
        except OSError:
            return False
        self._kept = resident - self._born
        self._meter.look(resident)
        return descriptor < self._most_open

    def _connect(self, settings: Mapping[str, Any]) -> Redis:
        """Give a client that connects when it is first used, the same one as long as the settings are."""
        if self._connection is None or settings != self._settings:
            self._settings = settings
            self._connection = from_url(settings["url"]) if "url" in settings else Redis(**settings)
        return self._connection


def _resident_bytes() -> tuple[int, int]:
    """-> the bytes, and the first descriptor that was free"""
    try:
        # Not `open`, which takes four times as long.
        statm = os.open("/proc/self/statm", os.O_RDONLY)
    except FileNotFoundError:
        # Elsewhere only the peak is to be had, in bytes on macOS: a child may be ended too early there.
        descriptor = os.dup(0)
        os.close(descriptor)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, descriptor
    try:
        return int(os.read(statm, 128).split()[1]) * _PAGE, statm
    finally:
        os.close(statm)
