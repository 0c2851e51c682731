"""The agent's children: which process runs which function, and what came of it; knows nothing of Redis or reservations.

Nothing here blocks but `close`. A selector of its own holds all sockets, so that the agent watches a single descriptor
and nothing is registered again from one function to the next.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import KeysView, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

from handoff_worker.children.confine import Binding
from handoff_worker.children.nursery import Nursery
from handoff_worker.inside.wire import Channel, Garbled, encode

logger = logging.getLogger(__name__)

GRACE_S = 5.0
"""How long a function may go on after its limit of time has raised in it."""

HANG_UP_S = 1.0
"""How long a child may live on without its socket: a dying one closes it before it can be reaped."""

CALLBACK_S = 60
"""rq's limit for a callback whose job names none."""

NURSERIES = 3
"""How many nurseries in a row may end before they are ready."""


class NurseryBroken(RuntimeError):
    """No process can be started on this machine that runs functions."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def __str__(self) -> str:
        return (
            f"the process that forks all children ended before it was ready, {NURSERIES} times in a row "
            f"({_fate(self.code)}): see what it wrote to stderr, most likely of a package that cannot be imported"
        )


@dataclass(frozen=True, slots=True)
class Task:
    """One function to run, or the failure callback of one."""

    id: str  #: of one thing at a time; up to a ":" it is the id of the job
    job: Mapping[bytes, bytes]  #: the hash that rq keeps for it, as stored
    node: str
    worker: str
    redis: Mapping[str, Any]  #: arguments of `redis.Redis`, or of `from_url` if "url" is one: a client for the function
    binding: Binding = ()  #: from `confine.binding`: only children of the same one are used again
    environment: Mapping[str, str] = field(default_factory=dict)
    serializer: Literal["msgpack", "pickle"] = "msgpack"
    inputs: Mapping[int, Mapping[bytes, bytes]] = field(default_factory=dict)  #: results that it takes, if at hand
    kind: Literal["run", "on_failure"] = "run"
    exception_type: str = ""  #: this and the next two: what the callback is told
    message: str = ""
    traceback: str = ""

    def frame(self) -> bytes:
        """Make the message that `execution.Executor.execute` takes."""
        message: dict[str, object] = {
            "id": self.id,
            "kind": self.kind,
            "job": dict(self.job),
            "node": self.node,
            "worker": self.worker,
            "redis": dict(self.redis),
            "environment": dict(self.environment),
            "serializer": self.serializer,
        }
        if self.inputs:
            # Not as a map: msgpack reads no numbers as keys, unless asked to.
            message["inputs"] = [[number, dict(entry)] for number, entry in self.inputs.items()]
        if self.kind == "on_failure":
            message |= {
                "exception_type": self.exception_type,
                "message": self.message,
                "traceback": self.traceback,
            }
        return encode(message)

    def limit_s(self) -> float:
        """Seconds after which the child should have answered, callbacks included; infinite without a timeout."""
        if self.kind == "on_failure":
            return self._seconds(b"failure_callback_timeout") or CALLBACK_S
        limit = self._seconds(b"timeout")
        if limit and self.job.get(b"success_callback_name"):
            limit += self._seconds(b"success_callback_timeout") or CALLBACK_S
        return limit or inf

    def _seconds(self, name: bytes) -> int:
        # What is no number the child will refuse with an error of its own.
        with contextlib.suppress(ValueError):
            return max(0, int(self.job.get(name) or 0))
        return 0


@dataclass(frozen=True, slots=True)
class Finished:
    """The function returned; for a failure callback `result` is empty."""

    id: str
    result: bytes  #: serialized
    forms: list[bytes] = field(default_factory=list)  #: the same, of what others take in its place


@dataclass(frozen=True, slots=True)
class Failed:
    """The function raised, could not be imported, gave what cannot be serialized, or took too long."""

    id: str
    exception_type: str  #: "ValueError", "package.module.Error"
    message: str
    traceback: str
    retryable: bool  #: False: another attempt would end the same way


@dataclass(frozen=True, slots=True)
class Died:
    """The child's process is gone and has not answered."""

    id: str
    code: int | None  #: exit status, or minus the signal; None when nobody knows
    text: str  #: such as "killed by signal 9 (SIGKILL)"


Outcome = Finished | Failed | Died


class Children:
    """All processes that run functions on a node, warm and busy.

    Register `fileno()` for reading in the agent's selector; when it is readable, `poll()`. Wake up by `next_deadline()`
    to call `expire(now)`. Everything else happens in `start` and `kill`.
    """

    def __init__(
        self,
        *,
        idle_limit: int,
        path: Sequence[str] = (),
        functions_limit: int = 1_000,
        growth_limit: int = 500 * 2**20,
        grace_s: float = GRACE_S,
    ) -> None:
        """Start the nursery.

        At most `idle_limit` idle children are kept. One is ended after `functions_limit` functions, or when its memory
        has grown by `growth_limit` bytes since its first. `path` and the current directory are importable in them.
        """
        self._idle_limit, self._functions_limit, self._growth_limit = idle_limit, functions_limit, growth_limit
        self._path = tuple(path)
        self._grace_s = grace_s
        self._selector = selectors.DefaultSelector()
        self._numbers = itertools.count(1)
        self._children: dict[int, _Child] = {}  #: all that may have a process, by number
        self._running: dict[str, _Child] = {}
        self._idle = _Idle()
        self._held: set[_Child] = set()
        self._requests: deque[tuple[_Child, socket.socket]] = deque()
        self._outcomes: list[Outcome] = []
        self._earliest = inf  #: no deadline is before it
        self._unready = 0
        self._open_nursery()

    def fileno(self) -> int:
        """Give the one descriptor that is readable whenever `poll` has something to do; the same until `close`."""
        return self._selector.fileno()

    @property
    def running(self) -> KeysView[str]:
        """The ids whose outcome is still to come."""
        return self._running.keys()

    @property
    def idle(self) -> int:
        """How many warm children wait for a function."""
        return len(self._idle)

    @property
    def starting(self) -> int:
        """How many functions wait for their child to be forked."""
        return sum(child.pid is None for child in self._running.values())

    def start(self, task: Task) -> None:
        """Run `task` in an idle child of its binding, else in a new one; its outcome comes from `poll`.

        Idle children that are bound otherwise to one of its devices are ended, and it starts when they are gone.
        """
        if task.id in self._running:
            raise ValueError(f"{task.id!r} is running already: wait for its outcome")
        frame = task.frame()
        before = self._clear(task.binding) if task.binding else set()
        while True:
            child = self._idle.take(task.binding) or self._new(task.binding)
            child.task, child.limit_s, child.deadline = task.id, task.limit_s(), inf
            if before:
                child.frame, child.before = frame, before
                self._held.add(child)
                break
            try:
                self._send(child, frame)
                break
            except OSError:
                # An idle child has just died: of what it was sent, it read nothing.
                child.task = None
                self._end(child)
        self._running[task.id] = child

    def kill(self, id: str, reason: str) -> bool:
        """Kill the child that runs `id`, and all it has started; False if none does.

        The outcome comes when the process is gone: `Died` with the reason, or what the function had answered before.
        """
        child = self._running.get(id)
        if child is None:
            return False
        self._end(child, reason)
        return True

    def poll(self) -> list[Outcome]:
        """Do what can be done without waiting, and return what has ended since.

        Raises `NurseryBroken` when no child can be started at all.
        """
        for key, events in self._selector.select(0):
            if key.data is self._nursery:
                self._hear_nursery()
            elif isinstance(key.data, _Child) and key.data.number in self._children:
                self._hear_child(key.data, events)
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def next_deadline(self) -> float | None:
        """When to call `expire` at the latest, by `time.monotonic()`; None without any limit."""
        return None if self._earliest == inf else self._earliest

    def expire(self, now: float) -> None:
        """Kill whatever is past its limit; the outcomes come when the processes are gone."""
        if now < self._earliest:
            return
        for child in self._running.values():
            if child.deadline <= now and not child.ending:
                child.timed_out = not child.hung_up
                self._end(child, "it had closed its connection to the agent" if child.hung_up else "")
        self._earliest = min((c.deadline for c in self._running.values() if not c.ending), default=inf)

    def close(self) -> None:
        """End every child and the nursery, and wait until they are gone; what was running has no outcome."""
        self._nursery.close()
        for child in self._children.values():
            child.kill()
            child.channel.socket.close()
        for _, end in self._requests:
            end.close()
        self._children.clear()
        self._running.clear()
        self._requests.clear()
        self._selector.close()

    # A function's way through a child.

    def _clear(self, binding: Binding) -> set[_Child]:
        """End the idle children of other bindings on the same devices; return all that still have to go."""
        devices = _devices(binding)
        for child in self._idle.others(binding):
            if child.devices & devices:
                self._end(child)
        # Also those that end for another reason: until a process is gone, it may hold memory on the device.
        return {child for child in self._children.values() if child.ending and child.devices & devices}

    def _new(self, binding: Binding) -> _Child:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        child = _Child(next(self._numbers), Channel(ours), binding)
        self._children[child.number] = child
        self._selector.register(child.channel, selectors.EVENT_READ, child)
        self._requests.append((child, theirs))
        self._send_requests()
        return child

    def _send(self, child: _Child, frame: bytes) -> None:
        if not child.channel.send(frame):
            self._selector.modify(child.channel, selectors.EVENT_READ | selectors.EVENT_WRITE, child)
        if child.pid is not None:
            self._set_deadline(child, child.limit_s + self._grace_s)

    def _set_deadline(self, child: _Child, seconds: float) -> None:
        if seconds < inf:
            child.deadline = time.monotonic() + seconds
            self._earliest = min(self._earliest, child.deadline)

    def _hear_child(self, child: _Child, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE and child.channel.flush():
                self._selector.modify(child.channel, selectors.EVENT_READ, child)
            if events & selectors.EVENT_READ:
                for message in child.channel.receive():
                    self._take_answer(child, message)
        except BlockingIOError:
            pass
        except (EOFError, OSError):
            self._lose_touch(child)
        except Garbled as error:
            self._end(child, str(error))

    def _take_answer(self, child: _Child, message: Any) -> None:
        outcome = _outcome(message, child.task)
        del self._running[outcome.id]
        self._outcomes.append(outcome)
        child.task = None
        child.deadline = inf
        child.functions += 1
        if child.first_rss is None:
            child.first_rss = message["rss"]
        grown = message["rss"] - child.first_rss > self._growth_limit
        if message["spent"] or grown or child.functions >= self._functions_limit:
            self._end(child)
        elif not child.ending:
            self._idle.add(child)
            if len(self._idle) > self._idle_limit:
                self._end(self._idle.oldest())

    def _lose_touch(self, child: _Child) -> None:
        """Go on without the socket of a child: it is dying, and the nursery will say of what, or it is beyond use."""
        if child.hung_up:
            return
        child.hung_up = True
        self._selector.unregister(child.channel)
        if child.task is None:
            self._end(child)
        else:
            self._set_deadline(child, HANG_UP_S)

    def _end(self, child: _Child, reason: str = "") -> None:
        if child.ending:
            return
        child.ending, child.reason = True, reason
        self._idle.discard(child)
        child.kill()

    def _bury(self, child: _Child, code: int | None, text: str) -> None:
        """Take leave of a child whose process is gone: an answer that it had sent still counts."""
        child.ending = True
        with contextlib.suppress(BlockingIOError, EOFError, OSError, Garbled):
            while not child.hung_up:
                for message in child.channel.receive():
                    self._take_answer(child, message)
        if not child.hung_up:
            self._selector.unregister(child.channel)
        child.channel.socket.close()
        self._idle.discard(child)
        self._held.discard(child)
        del self._children[child.number]
        if child.task is not None:
            del self._running[child.task]
            self._outcomes.append(_last_outcome(child, child.task, code, text, self._grace_s))
        for held in [held for held in self._held if child in held.before]:
            held.before.discard(child)
            if not held.before and not held.ending:
                self._release(held)

    def _release(self, child: _Child) -> None:
        self._held.discard(child)
        frame, child.frame = child.frame, b""
        # If it died while it waited, the nursery says so.
        with contextlib.suppress(OSError):
            self._send(child, frame)

    # The nursery.

    def _open_nursery(self) -> None:
        self._nursery = Nursery(self._path)
        self._ready = False
        self._selector.register(self._nursery, selectors.EVENT_READ, self._nursery)

    def _send_requests(self) -> None:
        """Ask for the children that are wanted; before the nursery is ready, nothing could be said of their fate."""
        if not self._ready:
            return
        while self._requests:
            child, end = self._requests[0]
            if not self._nursery.request(child.number, end):
                break
            end.close()
            child.requested = True
            self._requests.popleft()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._requests else 0)
        if wanted != self._selector.get_key(self._nursery).events:
            self._selector.modify(self._nursery, wanted, self._nursery)

    def _hear_nursery(self) -> None:
        try:
            for report in self._nursery.reports():
                self._take_report(report)
            self._send_requests()
        except (EOFError, Garbled):
            self._replace_nursery()

    def _take_report(self, report: list[Any]) -> None:
        match report:
            case ["ready"]:
                self._ready, self._unready = True, 0
            case ["forked", number, pid]:
                child = self._children[number]
                child.pid = pid
                if child.ending:
                    child.kill()
                elif child.task is not None and child not in self._held:
                    self._set_deadline(child, child.limit_s + self._grace_s)
            case ["exited", number, code]:
                self._bury(self._children[number], code, _fate(code))
            case ["not forked", number, reason]:
                self._bury(self._children[number], None, f"no process could be started for it: {reason}")

    def _replace_nursery(self) -> None:
        self._selector.unregister(self._nursery)
        code = self._nursery.close()
        logger.warning("the nursery is gone (%s): all its children end, and another one is started", _fate(code))
        for child in [child for child in self._children.values() if child.requested]:
            child.kill()
            self._bury(child, None, f"its nursery is gone: {_fate(code)}")
        self._unready += not self._ready
        if self._unready >= NURSERIES:
            raise NurseryBroken(code)
        self._open_nursery()


class _Child:
    """One process, from the wish for it to the news of its end."""

    __slots__ = (
        "before",
        "binding",
        "channel",
        "deadline",
        "devices",
        "ending",
        "first_rss",
        "frame",
        "functions",
        "hung_up",
        "limit_s",
        "number",
        "pid",
        "reason",
        "requested",
        "task",
        "timed_out",
    )

    def __init__(self, number: int, channel: Channel, binding: Binding) -> None:
        self.number, self.channel, self.binding = number, channel, binding
        self.devices = _devices(binding)
        self.requested = False  #: the nursery was asked for it, and may have forked it
        self.pid: int | None = None
        self.task: str | None = None
        self.limit_s = inf
        self.deadline = inf
        self.frame = b""  #: a task that waits until the children in `before` are gone
        self.before: set[_Child] = set()
        self.functions = 0
        self.first_rss: int | None = None  #: bytes after its first function
        self.hung_up = False
        self.ending = False
        self.reason = ""
        self.timed_out = False

    def kill(self) -> None:
        """Kill its process group; what is not forked yet is killed when it is."""
        # macOS answers EPERM for a group of which only a zombie is left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.pid is not None:
                os.killpg(self.pid, signal.SIGKILL)


class _Idle:
    """Warm children: taken by binding, the latest first; given up by age."""

    def __init__(self) -> None:
        self._by_age: dict[_Child, None] = {}
        self._by_binding: dict[Binding, dict[_Child, None]] = {}

    def __len__(self) -> int:
        return len(self._by_age)

    def add(self, child: _Child) -> None:
        self._by_age[child] = None
        self._by_binding.setdefault(child.binding, {})[child] = None

    def take(self, binding: Binding) -> _Child | None:
        warm = self._by_binding.get(binding)
        if not warm:
            return None
        child = next(reversed(warm))
        self.discard(child)
        return child

    def discard(self, child: _Child) -> None:
        if child in self._by_age:
            del self._by_age[child]
            warm = self._by_binding[child.binding]
            del warm[child]
            if not warm:
                del self._by_binding[child.binding]

    def oldest(self) -> _Child:
        return next(iter(self._by_age))

    def others(self, binding: Binding) -> list[_Child]:
        return [child for child in self._by_age if child.binding != binding]


def _devices(binding: Binding) -> frozenset[tuple[str, int]]:
    return frozenset((name, index) for name, indices in binding for index in indices)


def _outcome(message: Any, id: str | None) -> Finished | Failed:
    """Read what a child sent. User code has the socket too and may write anything there: no shape is taken on trust."""
    match message:
        case {"id": str(sender), "rss": int(), "spent": bool(), "kind": kind} if sender == id:
            match kind, message:
                case "finished", {"result": bytes(result), "forms": list(forms)} if all(map(_is_bytes, forms)):
                    return Finished(sender, result, forms)
                case "failed", {
                    "exception_type": str(exception_type),
                    "message": str(text),
                    "traceback": str(traceback),
                    "retryable": bool(retryable),
                }:
                    return Failed(sender, exception_type, text, traceback, retryable)
    raise Garbled("it sent what is no outcome of its function")


def _is_bytes(value: object) -> bool:
    return isinstance(value, bytes)


def _last_outcome(child: _Child, id: str, code: int | None, text: str, grace_s: float) -> Outcome:
    if child.timed_out:
        message = f"did not end within {child.limit_s:g} seconds and {grace_s:g} more, so its process was killed"
        return Failed(id, "rq.timeouts.JobTimeoutException", message, message, retryable=True)
    return Died(id, code, f"{text}: {child.reason}" if child.reason else text)


def _fate(code: int) -> str:
    if code >= 0:
        return f"exited with status {code}"
    try:
        return f"killed by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"killed by signal {-code}"
