"""The agent's children: which process runs which function, and what came of it; knows nothing of Redis or reservations.

Nothing here blocks but `close`. A selector of its own has all sockets, so that the agent watches a single descriptor
and nothing is registered again from one function to the next.
"""

from __future__ import annotations

import contextlib
import selectors
import sys
import time
from collections.abc import Iterable, KeysView, Sequence
from math import inf
from typing import Any

from handoff_worker.children import watch
from handoff_worker.children.child import Child, Idle, devices
from handoff_worker.children.confine import UNBOUND, Binding
from handoff_worker.children.crew import Crew
from handoff_worker.children.living import Living
from handoff_worker.children.nursery import Imports
from handoff_worker.children.outcome import Died, Failed, NotStarted, Outcome, fate, read_outcome
from handoff_worker.children.task import Task
from handoff_worker.inside.wire import Garbled
from handoff_worker.machine.own_groups import UNLIMITED, Groups, Most

GRACE_S = 5.0
"""How long a function may go on after its limit of time has raised in it."""

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
        imports: Imports,
        functions_limit: int = 1_000,
        growth_limit: int = 500 * 2**20,
        grace_s: float = GRACE_S,
        children_limit: int = sys.maxsize,
        processors: int = 1,
        adopts: bool = False,
        groups: Groups | None = None,
    ) -> None:
        """Start the nursery. Raises `NoProcess`, and `NotLoaded` for what `imports` wants preloaded.

        At most `idle_limit` idle children are kept. One is ended after `functions_limit` functions, or when its memory
        has grown by `growth_limit` bytes since its first; from `children_limit` on one that is idle for each that is
        started. `processors` run brief functions at a time. `adopts`: this process adopts orphans, and has no others.
        `groups`: where the kernel keeps each child to what it may have.
        """
        self._idle_limit, self._functions_limit, self._growth_limit = idle_limit, functions_limit, growth_limit
        self._grace_s, self._children_limit = grace_s, children_limit
        self._selector = selectors.DefaultSelector()
        self._running: dict[str, Child] = {}
        self._idle = Idle()
        self._crew, self.worked_s = Crew(processors), 0.0  #: how long functions have run, all together
        self._returned: list[Task] = []  #: taken back, and to be begun elsewhere
        self._outcomes: list[Outcome] = []
        self._earliest, self._look_at_s = inf, 0.0  #: no deadline is before the first
        self.unable = ""  #: why a process could not be started; '' again once `try_again` has found that one can
        self._children = self.living = Living(imports, self._selector, adopts, groups)
        self.told = self._children.told  #: what functions tell before they end, for whoever takes it from there

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
    def room(self) -> int:
        """How many functions could be given to children that are there: idle ones, and where they are brief, others."""
        return len(self._idle) + self._crew.room

    @property
    def starting(self) -> int:
        """How many functions wait for their child to be forked."""
        return sum(child.pid is None for child in self._running.values())

    def start(self, task: Task) -> None:
        """Run `task` in an idle child of its binding, else in a new one; its outcome comes from `poll`.

        Idle children that are bound otherwise to one of its devices are ended, and it starts when they are gone. What
        cannot be imported in a child that others have used is tried in a new one before it is told. What is known to be
        brief may be laid behind other such functions of a child, and is begun elsewhere where one of them is not.
        """
        if task.id in self._running:
            raise ValueError(f"{task.id!r} is running already: wait for its outcome")
        self._start(task, in_new=False)

    def kill(self, id: str, reason: str) -> bool:
        """Kill the child that runs `id`, and all it has started; False if none does.

        The outcome comes when the process is gone: `Died` with the reason, or what the function had answered before.
        For what has not begun behind another function no process is killed.
        """
        return bool(self.kill_all([id], reason))

    def kill_all(self, ids: Iterable[str], reason: str) -> list[str]:
        """Kill several: none of them is begun in the place of another. -> those that run here"""
        killed = [id for id in ids if id in self._running]
        for id in killed:
            child = self._running[id]
            if not child.is_first(id) and child.take_out(id):
                del self._running[id]
                self._outcomes.append(Died(id, None, reason))
        for id in killed:
            if id in self._running:
                self._end_running(self._running[id], id, reason)
        self._begin_returned()
        return killed

    def end_idle(self) -> None:
        """End all that are idle: where no process can be started, each of them may be one too many."""
        while self._idle:
            self._end(self._idle.oldest())

    def try_again(self) -> None:
        """Find out whether a process can be started by now: then `unable` is soon empty."""
        if self._idle:
            self.unable = ""
        elif not self._children.has_nursery and not self._start_nursery():
            return
        elif not self._children.has_spare():
            with contextlib.suppress(OSError):
                self._new(UNBOUND)

    def withdraw(self, id: str) -> bool:
        """Take back what has not begun. It has no outcome then. False: it may have begun."""
        child = self._running.get(id)
        if child is None or child.ending:
            return False
        is_wished, is_first = self._children.nursery.withdraw(child), child.tasks[0].id == id
        if self._children.leaving.forget(child) or is_wished:
            child.take_back(ends=True)
            child.tasks.clear()
            if is_wished:
                self._bury(child, None, "")
            else:
                self._end(child)
        elif not child.take_out(id):
            return False
        elif is_first and not child.is_spare():
            self._go_on(child, is_spent=False)
        del self._running[id]
        return True

    def poll(self) -> list[Outcome]:
        """Do what can be done without waiting, and return what has ended since.

        Raises `NurseryBroken` when no child can be started at all.
        """
        for key, events in self._selector.select(0):
            if key.data is self._children.nursery:
                for report in self._children.nursery.hear():
                    self._take_report(report)
            elif key.data in self._children:
                self._hear_child(key.data, events)
        self._look_after(time.monotonic())
        self._begin_returned()
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def next_deadline(self) -> float:
        """When to call `expire` at the latest, by `time.monotonic()`; infinite without any limit."""
        return self._earliest

    def expire(self, now: float) -> None:
        """Kill whatever is past its limit, and begin elsewhere what has waited too long behind what was to be brief."""
        if now < self._earliest:
            return
        for child in self._crew.slow(now):
            self._crew.discard(child)
            self._returned += child.take_back(1)
        for child in dict.fromkeys(self._running.values()):
            if child.deadline <= now and not child.ending:
                why = "it had closed its connection to the agent" if child.hung_up else ""
                child.timed_out = self._end_running(child, child.tasks[0].id, why) and not child.hung_up
        self._earliest = min((c.next_deadline for c in self._running.values() if not c.ending), default=inf)
        self._begin_returned()

    def close(self) -> None:
        """End every child and the nursery, and wait until they are gone; what was running has no outcome."""
        self._children.close()
        self._running.clear()
        self._selector.close()

    def _look_after(self, now_s: float) -> None:
        """Now and then see whether nursery and children move, as Redis does with us."""
        if now_s < self._look_at_s:
            return
        self._look_at_s = now_s + watch.LOOK_S
        if self._children.has_nursery:
            self._children.nursery.look()
        for child in dict.fromkeys(self._running.values()):
            if why := child.standstill():
                self._end_running(child, child.tasks[0].id, why)

    # A function's way through a child.

    def _start(self, task: Task, *, in_new: bool) -> None:
        packed = task.packed()
        in_new = in_new or task.is_isolated
        is_brief = not in_new and self._crew.is_for(task)
        if is_brief and self._crew.has_all(task) and (child := self._crew.give(task, packed)) is not None:
            self._running[task.id] = child
            self._earliest = min(self._earliest, child.behind_until_s)
            return
        leaving = self._clear(task) if task.binding.devices else set()
        try:
            child = (None if in_new else self._idle.take(task)) or self._new(task.binding, task.most)
        except OSError as error:
            self._running.pop(task.id, None)
            self.unable = str(error)
            self._outcomes.append(NotStarted(task.id, self.unable))
            return
        child.tasks.append(task)
        self._running[task.id] = child
        if is_brief:
            self._crew.add(child)
        if leaving:
            self._children.leaving.wait(child, packed, leaving)
        else:
            self._send(child, packed)

    def _begin_returned(self) -> None:
        """Start what was taken back, now that nobody is half-way through anything."""
        while self._returned:
            self._start(self._returned.pop(0), in_new=False)

    def _clear(self, task: Task) -> set[Child]:
        """End the idle children on the same devices that it cannot run in; return all that still have to go."""
        for child in self._idle.in_the_way(task):
            self._end(child)
        # Also those that end for another reason.
        return self._children.ending_on(devices(task.binding))

    def _new(self, binding: Binding, most: Most = UNLIMITED) -> Child:
        if len(self._children) >= self._children_limit and self._idle:
            self._end(self._idle.oldest())
        return self._children.new(binding, most)

    def _send(self, child: Child, packed: bytes) -> None:
        if not child.give(packed):
            self._selector.modify(child.channel, selectors.EVENT_READ | selectors.EVENT_WRITE, child)
        if child.pid is not None:
            self._note_begin(child)

    def _note_begin(self, child: Child) -> None:
        """From now on it may run the first of what it has."""
        child.note_begin(time.monotonic(), self._grace_s)
        self._earliest = min(self._earliest, child.next_deadline)

    def _hear_child(self, child: Child, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE and child.channel.flush():
                self._selector.modify(child.channel, selectors.EVENT_READ, child)
            if events & selectors.EVENT_READ:
                for message in child.answers():
                    self._take_answer(child, message)
                if not child.tasks and child.channel.half_received:
                    # The answer of the next function would be taken for the rest of it.
                    self._end(child)
        except BlockingIOError:
            pass
        except (EOFError, OSError):
            self._lose_touch(child)
        except Garbled as error:
            self._end(child, str(error), keep=1)

    def _take_answer(self, child: Child, message: Any) -> None:
        task, is_new = child.tasks[0] if child.tasks else None, not child.functions
        outcome = read_outcome(message, task.id if task else None)
        is_in_doubt = isinstance(outcome, Failed) and not (outcome.begun or is_new or child.ending)
        if message["left"] and not is_in_doubt:
            # It counts when what the function has left running is gone, and so is its child, which has adopted it.
            child.answer = outcome
            self._end(child, keep=1)
            return
        del self._running[outcome.id]
        child.finish_task(message["kept"])
        if task and is_in_doubt:
            # Whether it is the fault of one before it, only a child tells that nobody has used.
            self._end(child)
            self._start(task, in_new=True)
            return
        self._outcomes.append(outcome)
        if task:
            self.worked_s += self._crew.note(task, outcome.took_s)
        self._go_on(child, is_spent=message["spent"] or (task is not None and task.is_isolated))

    def _go_on(self, child: Child, is_spent: bool) -> None:
        """Let a child do what it has to do next, or end it."""
        if is_spent:
            self._end(child)
        elif child.grown > self._growth_limit or child.functions >= self._functions_limit:
            self._crew.discard(child)
            self._returned += child.take_back()
            if not child.tasks:
                self._end(child)
        elif not (child.tasks or child.ending):
            self._rest(child)
        if child.tasks and not child.ending:
            self._note_begin(child)

    def _rest(self, child: Child) -> None:
        """Keep a child until somebody needs it, or another in its place."""
        self._crew.discard(child)
        self._idle.add(child)
        if len(self._idle) > self._idle_limit:
            self._end(self._idle.oldest())

    def _lose_touch(self, child: Child) -> None:
        """Go on without the socket of a child: it is dying, and the nursery will say of what, or it is beyond use."""
        if child.hung_up:
            return
        child.hung_up = True
        self._selector.unregister(child.channel)
        self._crew.discard(child)
        if not child.tasks:
            self._end(child)
        else:
            self._returned += child.take_back(1)
            child.deadline = time.monotonic() + HANG_UP_S
            self._earliest = min(self._earliest, child.deadline)

    def _end_running(self, child: Child, id: str, reason: str) -> bool:
        """End a child under a function that it has. -> False where that has been answered for, and another has begun"""
        self._crew.discard(child)
        self._returned += child.take_back_behind(id)
        if child.tasks[-1].id != id:
            self._hear_out(child)
        if self._running.get(id) is not child or child.ending:
            return False
        self._end(child, reason, keep=len(child.tasks))
        return True

    def _hear_out(self, child: Child) -> None:
        """Take all answers that are here."""
        with contextlib.suppress(BlockingIOError, EOFError, OSError, Garbled):
            while not child.hung_up:
                for message in child.answers():
                    self._take_answer(child, message)

    def _end(self, child: Child, reason: str = "", keep: int = 0) -> None:
        """End a child with the first so many of what it has; what it has not begun of the others is begun elsewhere."""
        if child.ending:
            return
        child.ending, child.reason = True, reason
        self._idle.discard(child)
        self._crew.discard(child)
        self._returned += child.take_back(keep, ends=True)
        # What is kept shares the fate of the child, whether it has begun or not.
        child.tray.take_back()
        child.kill()

    def _not_forked(self, child: Child, reason: str) -> None:
        """Take leave of a child that never was; if nobody wanted its end, its function has not begun."""
        self.unable = reason
        if child.tasks and not child.ending:
            task = child.tasks.popleft()
            del self._running[task.id]
            self._outcomes.append(NotStarted(task.id, reason))
        self._bury(child, None, f"no process could be started for it: {reason}")

    def _bury(
        self, child: Child, code: int | None, text: str, ended: Sequence[str] = (), left: Sequence[str] = ()
    ) -> None:
        """Take leave of a child whose process is gone: an answer that it had sent still counts.

        What it had not begun is begun elsewhere, but for the first function of a new child: it may not come up there
        either. What it has `left` running keeps its devices.
        """
        child.ending = True
        self._hear_out(child)
        if not child.hung_up:
            self._selector.unregister(child.channel)
        self._returned += child.take_back(0 if child.functions else 1, ends=True)
        child.close()
        child.buried, child.pid = True, None
        self._idle.discard(child)
        self._crew.discard(child)
        self._children.leaving.forget(child)
        for outcome in child.last_outcomes(code, text, self._grace_s, ended, left):
            del self._running[outcome.id]
            self._outcomes.append(outcome)
        if not left:
            self._release(child)

    def _release(self, child: Child) -> None:
        """Nothing is left of it: its devices are free for the next."""
        for waiting, packed in self._children.release(child):
            self._send(waiting, packed)

    # The nursery.

    def _take_report(self, report: list[Any]) -> None:
        match report:
            case ["forked", number, pid]:
                child = self._children[number]
                child.pid = pid
                if child.ending:
                    child.kill()
                elif not child.tasks and not child.functions:
                    # That it could be started is all that was asked: nobody knows what it would have to be bound to.
                    self.unable = ""
                    self._end(child)
                elif child.tasks and child not in self._children.leaving:
                    self._note_begin(child)
            case ["exited", number, code, ended, left, peak_mb]:
                self._children[number].peak_mb = peak_mb
                self._bury(self._children[number], code, fate(code), ended, left)
            case ["cleared", number]:
                self._release(self._children[number])
            case ["not forked", number, reason]:
                self._not_forked(self._children[number], reason)
            case ["gone", code]:
                for child in [child for child in self._children if child.requested]:
                    if child.buried:
                        self._release(child)
                        continue
                    child.kill()
                    self._bury(child, None, f"its nursery is gone: {fate(code)}")
                self._start_nursery()

    def _start_nursery(self) -> bool:
        if reason := self._children.start_nursery():
            self.unable = reason
            for child in self._children:
                self._not_forked(child, reason)
        return not reason
