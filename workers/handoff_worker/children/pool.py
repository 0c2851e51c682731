"""The agent's children: which process runs which function, and what came of it; knows nothing of Redis or reservations.

Nothing here blocks but `close`. A selector of its own has all sockets, so that the agent watches a single descriptor
and nothing is registered again from one function to the next.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import selectors
import socket
import sys
import time
from collections.abc import KeysView, Sequence
from math import inf
from typing import Any

from handoff_worker.children import watch
from handoff_worker.children.child import Child, Idle, devices
from handoff_worker.children.confine import UNBOUND, Binding
from handoff_worker.children.nursery import NoProcess, Nursery
from handoff_worker.children.outcome import Failed, NotStarted, Outcome, fate, read_outcome, tell_survivors
from handoff_worker.children.task import Task
from handoff_worker.inside.wire import Channel, Garbled

logger = logging.getLogger(__name__)

GRACE_S = 5.0
"""How long a function may go on after its limit of time has raised in it."""

_NOT_STARTED = "no process could be started for it"

HANG_UP_S = 1.0
"""How long a child may live on without its socket: a dying one closes it before it can be reaped."""


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
        children_limit: int = sys.maxsize,
        adopts: bool = False,
    ) -> None:
        """Start the nursery. Raises `NoProcess`.

        At most `idle_limit` idle children are kept. One is ended after `functions_limit` functions, or when its memory
        has grown by `growth_limit` bytes since its first. `path` and the current directory are importable in them.
        From `children_limit` on, one that is idle is ended for each that is started. `adopts`: this process adopts
        orphans, and has no children beside these.
        """
        self._idle_limit, self._functions_limit, self._growth_limit = idle_limit, functions_limit, growth_limit
        self._grace_s, self._children_limit = grace_s, children_limit
        self._selector = selectors.DefaultSelector()
        self._numbers = itertools.count(1)
        self._children: dict[int, Child] = {}  #: all that may have a process, by number
        self._running: dict[str, Child] = {}
        self._idle = Idle()
        self._waiting: dict[Child, set[Child]] = {}  #: each with a task for devices that these others have to leave
        self._outcomes: list[Outcome] = []
        self._earliest = inf  #: no deadline is before it
        self._look_at_s = 0.0
        self.unable = ""  #: why a process could not be started; '' again once `try_again` has found that one can
        self._has_nursery = True
        self._nursery = Nursery(path, self._selector, adopts)

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

        Idle children that are bound otherwise to one of its devices are ended, and it starts when they are gone. What
        cannot be imported in a child that others have used is tried in a new one before it is told.
        """
        if task.id in self._running:
            raise ValueError(f"{task.id!r} is running already: wait for its outcome")
        self._start(task, in_new=False)

    def kill(self, id: str, reason: str) -> bool:
        """Kill the child that runs `id`, and all it has started; False if none does.

        The outcome comes when the process is gone: `Died` with the reason, or what the function had answered before.
        """
        child = self._running.get(id)
        if child is None:
            return False
        self._end(child, reason)
        return True

    def end_idle(self) -> None:
        """End all that are idle: where no process can be started, each of them may be one too many."""
        while len(self._idle):
            self._end(self._idle.oldest())

    def try_again(self) -> None:
        """Find out whether a process can be started by now: then `unable` is soon empty."""
        if len(self._idle):
            self.unable = ""
            return
        if not self._has_nursery:
            self._start_nursery()
        if self._has_nursery and not any(child.is_spare() for child in self._children.values()):
            with contextlib.suppress(OSError):
                self._new(UNBOUND)

    def withdraw(self, id: str) -> bool:
        """Take back what has not begun: it waits for devices, or the nursery was not asked yet for its child.

        It has no outcome then. False: it may have begun.
        """
        child = self._running.get(id)
        if child is None:
            return False
        is_wished = self._nursery.withdraw(child)
        if not is_wished and child not in self._waiting:
            return False
        del self._running[id]
        child.task = None
        if is_wished:
            self._bury(child, None, "")
        else:
            del self._waiting[child]
            self._end(child)
        return True

    def poll(self) -> list[Outcome]:
        """Do what can be done without waiting, and return what has ended since.

        Raises `NurseryBroken` when no child can be started at all.
        """
        for key, events in self._selector.select(0):
            if key.data is self._nursery:
                for report in self._nursery.hear():
                    self._take_report(report)
            elif isinstance(key.data, Child) and key.data.number in self._children:
                self._hear_child(key.data, events)
        self._look_after(time.monotonic())
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
        self._children.clear()
        self._running.clear()
        self._selector.close()

    def _look_after(self, now_s: float) -> None:
        """Now and then see whether nursery and children move, as Redis does with us."""
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + watch.LOOK_S
        if self._has_nursery:
            self._nursery.look()
        for child in self._running.values():
            if why := child.standstill():
                self._end(child, why)

    # A function's way through a child.

    def _start(self, task: Task, *, in_new: bool) -> None:
        frame = task.frame()
        in_new = in_new or task.is_isolated
        leaving = self._clear(task) if task.binding.devices else set()
        while True:
            try:
                child = (None if in_new else self._idle.take(task.binding)) or self._new(task.binding)
            except OSError as error:
                # No socket pair: too many files are open.
                self._running.pop(task.id, None)
                self._give_up(task, str(error))
                return
            child.task, child.limit_s, child.deadline = task, task.limit_s(), inf
            if leaving:
                child.frame = frame
                self._waiting[child] = leaving
                break
            try:
                self._send(child, frame)
                break
            except OSError:
                # An idle child has just died: of what it was sent, it read nothing.
                child.task = None
                self._end(child)
        self._running[task.id] = child

    def _clear(self, task: Task) -> set[Child]:
        """End the idle children on the same devices that it cannot run in; return all that still have to go."""
        wanted = devices(task.binding)
        for child in self._idle.others(None if task.is_isolated else task.binding):
            if child.devices & wanted:
                self._end(child)
        # Also those that end for another reason: until a process is gone, it may have memory on the device.
        return {child for child in self._children.values() if child.ending and child.devices & wanted}

    def _new(self, binding: Binding) -> Child:
        if len(self._children) >= self._children_limit and self._idle:
            self._end(self._idle.oldest())
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        child = Child(next(self._numbers), Channel(ours), binding)
        self._children[child.number] = child
        self._selector.register(child.channel, selectors.EVENT_READ, child)
        self._nursery.ask_for(child, theirs)
        return child

    def _send(self, child: Child, frame: bytes) -> None:
        if not child.channel.send(frame):
            self._selector.modify(child.channel, selectors.EVENT_READ | selectors.EVENT_WRITE, child)
        if child.pid is not None:
            self._set_deadline(child, child.limit_s + self._grace_s)

    def _set_deadline(self, child: Child, seconds: float) -> None:
        if seconds < inf:
            child.deadline = time.monotonic() + seconds
            self._earliest = min(self._earliest, child.deadline)

    def _hear_child(self, child: Child, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE and child.channel.flush():
                self._selector.modify(child.channel, selectors.EVENT_READ, child)
            if events & selectors.EVENT_READ:
                for message in child.channel.receive():
                    self._take_answer(child, message)
                if child.task is None and child.channel.half_received:
                    # The answer of the next function would be taken for the rest of it.
                    self._end(child)
        except BlockingIOError:
            pass
        except (EOFError, OSError):
            self._lose_touch(child)
        except Garbled as error:
            self._end(child, str(error))

    def _take_answer(self, child: Child, message: Any) -> None:
        task, is_new = child.task, not child.functions
        outcome = read_outcome(message, task.id if task else None)
        is_in_doubt = isinstance(outcome, Failed) and not (outcome.begun or is_new or child.ending)
        if message["left"] and not is_in_doubt:
            # It counts when what the function has left running is gone, and so is its child, which has adopted it.
            child.answer = outcome
            self._end(child)
            return
        del self._running[outcome.id]
        child.finish_task(message["rss"])
        if task and is_in_doubt:
            # Whether it is the fault of one before it, only a child tells that nobody has used.
            self._end(child)
            self._start(task, in_new=True)
            return
        self._outcomes.append(outcome)
        grown = child.grown > self._growth_limit
        is_isolated = task is not None and task.is_isolated
        if message["spent"] or is_isolated or grown or child.functions >= self._functions_limit:
            self._end(child)
        elif not child.ending:
            self._idle.add(child)
            if len(self._idle) > self._idle_limit:
                self._end(self._idle.oldest())

    def _lose_touch(self, child: Child) -> None:
        """Go on without the socket of a child: it is dying, and the nursery will say of what, or it is beyond use."""
        if child.hung_up:
            return
        child.hung_up = True
        self._selector.unregister(child.channel)
        if child.task is None:
            self._end(child)
        else:
            self._set_deadline(child, HANG_UP_S)

    def _end(self, child: Child, reason: str = "") -> None:
        if child.ending:
            return
        child.ending, child.reason = True, reason
        self._idle.discard(child)
        child.kill()

    def _give_up(self, task: Task, reason: str) -> None:
        self.unable = reason
        self._outcomes.append(NotStarted(task.id, reason))

    def _not_forked(self, child: Child, reason: str) -> None:
        """Take leave of a child that never was; if nobody wanted its end, its function has not begun."""
        self.unable = reason
        task = child.task
        if task is not None and not child.ending:
            child.task = None
            del self._running[task.id]
            self._give_up(task, reason)
        self._bury(child, None, f"{_NOT_STARTED}: {reason}")

    def _bury(
        self, child: Child, code: int | None, text: str, ended: Sequence[str] = (), left: Sequence[str] = ()
    ) -> None:
        """Take leave of a child whose process is gone: an answer that it had sent still counts.

        What it has `left` running keeps its devices.
        """
        child.ending = True
        with contextlib.suppress(BlockingIOError, EOFError, OSError, Garbled):
            while not child.hung_up:
                for message in child.channel.receive():
                    self._take_answer(child, message)
        if not child.hung_up:
            self._selector.unregister(child.channel)
        child.channel.socket.close()
        child.buried, child.pid = True, None
        self._idle.discard(child)
        self._waiting.pop(child, None)
        if child.task is not None:
            del self._running[child.task.id]
            outcome = child.last_outcome(child.task.id, code, text, self._grace_s)
            self._outcomes.append(tell_survivors(outcome, left))
        who = child.task.id if child.task else "a child"
        if child.answer is not None and ended:
            logger.warning("%s had left running what was killed at its end: %s", who, ", ".join(ended))
        if left:
            logger.error("%s has left running what nothing ends: %s", who, ", ".join(left))
        else:
            self._release(child)

    def _release(self, child: Child) -> None:
        """Nothing is left of it: its devices are free for the next."""
        del self._children[child.number]
        for waiting in [waiting for waiting, leaving in self._waiting.items() if child in leaving]:
            self._waiting[waiting].discard(child)
            if not self._waiting[waiting] and not waiting.ending:
                self._send_waiting(waiting)

    def _send_waiting(self, child: Child) -> None:
        del self._waiting[child]
        frame, child.frame = child.frame, b""
        # If it died while it waited, the nursery says so.
        with contextlib.suppress(OSError):
            self._send(child, frame)

    # The nursery.

    def _take_report(self, report: list[Any]) -> None:
        match report:
            case ["forked", number, pid]:
                child = self._children[number]
                child.pid = pid
                if child.ending:
                    child.kill()
                elif child.task is None and not child.functions:
                    # That it could be started is all that was asked: nobody knows what it would have to be bound to.
                    self.unable = ""
                    self._end(child)
                elif child.task is not None and child not in self._waiting:
                    self._set_deadline(child, child.limit_s + self._grace_s)
            case ["exited", number, code, ended, left]:
                self._bury(self._children[number], code, fate(code), ended, left)
            case ["cleared", number]:
                self._release(self._children[number])
            case ["not forked", number, reason]:
                self._not_forked(self._children[number], reason)
            case ["gone", code]:
                for child in [child for child in self._children.values() if child.requested]:
                    if child.buried:
                        self._release(child)
                        continue
                    child.kill()
                    self._bury(child, None, f"its nursery is gone: {fate(code)}")
                self._start_nursery()

    def _start_nursery(self) -> None:
        try:
            self._nursery.start()
            self._has_nursery = True
        except NoProcess as error:
            self._has_nursery = False
            self.unable = error.reason
            for child in list(self._children.values()):
                self._not_forked(child, error.reason)
