"""One process that runs functions, from the wish for it to the news of its end; and those that wait for a function."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import Any

from handoff.ledger.texts.reservation import job_of
from handoff_worker.children.confine import Binding
from handoff_worker.children.outcome import Died, Failed, Outcome, tell_leftovers, tell_survivors
from handoff_worker.children.task import Task
from handoff_worker.children.told import Told, is_told, read_told
from handoff_worker.children.watch import PATIENCE, Watch, send_on
from handoff_worker.inside.wire import LARGEST_PACKET, Channel, Tray, framed
from handoff_worker.machine.own_groups import Group

BEHIND_S = 0.005
"""How long functions may wait behind one that was to be brief and is not, before they are begun elsewhere."""

Device = tuple[str, int]
"""One device of a node: resource and index."""


class Child:
    """What the agent knows of one process."""

    __slots__ = (
        "answer",
        "binding",
        "buried",
        "by_channel",
        "channel",
        "deadline",
        "devices",
        "ending",
        "first_kept",
        "functions",
        "group",
        "grown",
        "hear",
        "hung_up",
        "kept",
        "number",
        "peak_mb",
        "pid",
        "reason",
        "requested",
        "since_s",
        "tasks",
        "timed_out",
        "tray",
        "watch",
    )

    def __init__(
        self,
        number: int,
        channel: Channel,
        tray: Tray,
        binding: Binding,
        hear: Callable[[Told], None],
        group: Group | None = None,
    ) -> None:
        self.number, self.channel, self.tray, self.binding, self.hear = number, channel, tray, binding, hear
        self.devices = devices(binding)
        self.group = group  #: where the kernel keeps it to what its function may have; None: it does not
        self.requested = False  #: the nursery was asked for it, and may have forked it
        self.pid: int | None = None
        self.tasks: deque[Task] = deque()  #: what it has not answered for, in order
        self.by_channel = ""  #: the last of them that was too large for its tray
        self.since_s = inf  #: when it could begin the first of them
        self.deadline = inf  #: when the first of them is to be killed
        self.functions = 0
        self.kept = 0  #: bytes that its process had after the last and did not have in the beginning
        self.first_kept: int | None = None  #: the same after the first
        self.grown = 0  #: bytes since
        self.hung_up = False
        self.ending = False
        self.buried = False  #: its process is gone
        self.reason = ""
        self.peak_mb: int | None = None  #: what its process has had of memory, once it is gone
        self.answer: Outcome | None = None  #: what its function gave, which had left processes running
        self.timed_out = False
        self.watch = Watch()

    @classmethod
    def make(
        cls, number: int, binding: Binding, hear: Callable[[Told], None], group: Group | None = None
    ) -> tuple[Child, socket.socket]:
        """-> a child, of which `hear` is told what its functions tell, and its own end of the channel.

        Raises `OSError` where too many files are open.
        """
        tray = Tray()
        try:
            ours, theirs = socket.socketpair()
        except OSError:
            tray.close()
            raise
        ours.setblocking(False)
        return cls(number, Channel(ours), tray, binding, hear, group), theirs

    def close(self) -> None:
        """Close what connects us with it."""
        self.channel.socket.close()
        self.tray.close()

    @property
    def behind_until_s(self) -> float:
        """Until when others may wait behind what it runs; infinite where none do."""
        return self.since_s + BEHIND_S if len(self.tasks) > 1 else inf

    @property
    def next_deadline(self) -> float:
        """When the first of its functions has taken too long: for itself, or for those behind it."""
        return min(self.deadline, self.behind_until_s)

    def note_begin(self, now_s: float, grace_s: float) -> None:
        """From now on it may run the first of its functions."""
        self.since_s, self.deadline = now_s, now_s + self.tasks[0].limit_s() + grace_s

    def is_spare(self) -> bool:
        """Whether it was asked for to see whether it can be, and it is not known yet."""
        return self.pid is None and not (self.tasks or self.functions or self.ending)

    def answers(self) -> Iterator[Any]:
        """Read once. -> what it answers; what is told between that goes to `hear` in its turn. Raises as `receive`"""
        for message in self.channel.receive():
            if is_told(message):
                self.hear(read_told(message, self.tasks[0].id if self.tasks else None))
            else:
                yield message

    def give(self, packed: bytes) -> bool:
        """Send it what it is to do now; it has nothing to do. -> False where its channel takes the rest later."""
        if len(packed) <= LARGEST_PACKET:
            self.tray.lay(packed)
            return True
        self.tray.lay(None)
        self.by_channel = self.tasks[0].id
        # Of one that has just died its tray still has what it did not take.
        with contextlib.suppress(OSError):
            return self.channel.send(framed(packed))
        return True

    def take_back(self, keep: int = 0, *, ends: bool = False) -> list[Task]:
        """Take back what it has not begun, but for the first so many of what it has. -> that, which never begins here

        All before what then is its last has been answered for: its answers are on their way, or here. What comes by
        the channel stays, for that cannot be emptied, unless the child `ends`.
        """
        unbegun = self._empty_tray()
        first = max(0, keep - len(self.tasks))
        kept = [place < first or (packed is None and not ends) for place, (_, packed) in enumerate(unbegun)]
        self._lay_again(each for each, stays in zip(unbegun, kept, strict=True) if stays)
        return [task for (task, _), stays in zip(unbegun, kept, strict=True) if not stays]

    def take_back_behind(self, id: str) -> list[Task]:
        """Take back what it has not begun behind one that it has."""
        unbegun = self._empty_tray()
        ids = [task.id for task, _ in unbegun]
        first = ids.index(id) + 1 if id in ids else 0
        self._lay_again(unbegun[:first])
        return [task for task, _ in unbegun[first:]]

    def take_out(self, id: str) -> bool:
        """Take one out that it has not begun, and leave it the others. -> False where it may have begun"""
        unbegun = self._empty_tray()
        # Of what comes by the channel the rest would be taken for the next one.
        left = [(task, packed) for task, packed in unbegun if task.id != id or packed is None]
        self._lay_again(left)
        if not self.tasks:
            self.deadline = inf
        return len(left) < len(unbegun)

    def is_first(self, id: str) -> bool:
        """Whether nothing that it has is before this one; looks at what it has begun."""
        self._lay_again(self._empty_tray())
        return self.tasks[0].id == id

    def _empty_tray(self) -> list[tuple[Task, bytes | None]]:
        """-> what lay there, as tasks and packed; what it has begun is left to it

        It may take one between two that are taken back: what lay there is known by its id, and not by its place.
        """
        laid = self.tray.take_back()
        packed = {self.by_channel if each is None else Task.id_in(each): each for each in laid}
        unbegun = [(task, packed[task.id]) for task in self.tasks if task.id in packed]
        self.tasks = deque(task for task in self.tasks if task.id not in packed)
        return unbegun

    def _lay_again(self, unbegun: Iterable[tuple[Task, bytes | None]]) -> None:
        for task, packed in unbegun:
            self.tray.lay(packed)
            self.tasks.append(task)

    def may_run(self, task: Task) -> bool:
        """Whether it has not kept more of others than the function may have, where its node enforces that."""
        return self.kept <= task.most_memory and (self.group is None or self.group.may_have(task.most_memory))

    def may_run_behind(self, task: Task) -> bool:
        """The same while others run in it: theirs are the limits of its group."""
        group = self.group
        # Processors are no more than declared, and no less: neither would be told by any failure.
        fits = group is None or (group.most >= task.most_memory and group.cpu == task.most_cpu)
        return self.kept <= task.most_memory and fits

    def allow(self, task: Task) -> None:
        """Have the kernel keep it to what the function may have. Raises `OSError`."""
        if self.group is not None:
            self.group.limit(task.most)

    def finish_task(self, kept: int) -> None:
        """Note that the first of its functions has ended, and what its process has more than in the beginning."""
        self.tasks.popleft()
        self.deadline = inf
        self.functions += 1
        self.kept = kept
        if self.first_kept is None:
            self.first_kept = kept
        self.grown = kept - self.first_kept

    def standstill(self) -> str:
        """Look whether it moves, if it runs a function. -> why it is to be given up, if it is"""
        if self.pid is None or not self.tasks or self.ending:
            self.watch.found(None)
            return ""
        sign, why = None, ""
        if send_on(self.pid):
            sign, why = "stopped", "it was stopped by a signal, and did not go on when it was told to"
        elif self.channel.half_received:
            sign, why = f"-{self.channel.half_received}", "it sent half a message to the agent, and nothing since"
        elif self.channel.half_sent:
            sign, why = f"+{self.channel.half_sent}", "it does not take what the agent sends"
        return why if self.watch.found(sign) >= PATIENCE else ""

    def kill(self) -> None:
        """Kill its process group; what is not forked yet is killed when it is."""
        # macOS answers EPERM for a group of which only a zombie is left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.pid is not None:
                os.killpg(self.pid, signal.SIGKILL)

    def last_outcomes(
        self, code: int | None, text: str, grace_s: float, ended: Sequence[str], left: Sequence[str]
    ) -> list[Outcome]:
        """What came of the functions that it has, now that its process is gone; `ended` and `left` is what it left."""
        tell_leftovers(job_of(self.tasks[0].id) if self.tasks else "a child", ended if self.answer else (), left)
        return [tell_survivors(self._last_outcome(task, code, text, grace_s), left) for task in self.tasks]

    def _last_outcome(self, task: Task, code: int | None, text: str, grace_s: float) -> Outcome:
        if self.answer is not None and self.answer.id == task.id:
            return self.answer
        if self.timed_out:
            message = f"did not end within {task.limit_s():g} seconds and {grace_s:g} more, so its process was killed"
            return Failed(
                task.id, "rq.timeouts.JobTimeoutException", message, message, retryable=True,
                took_s=self._ran_s(), memory_mb=self.peak_mb
            )  # fmt: skip
        why = f"{text}: {self.reason}" if self.reason else text
        exceeded = self.group.exceeded() if self.group is not None else None
        return Died(task.id, code, why, memory_mb=self.peak_mb, took_s=self._ran_s(), exceeded=exceeded)

    def _ran_s(self) -> float | None:
        """How long the first of its functions has run, as far as is known from here."""
        return None if self.since_s == inf else time.monotonic() - self.since_s


class Idle:
    """Warm children: taken by binding, the latest first; given up by age."""

    def __init__(self) -> None:
        self._by_age: dict[Child, None] = {}
        self._by_binding: dict[Binding, dict[Child, None]] = {}

    def __len__(self) -> int:
        return len(self._by_age)

    def add(self, child: Child) -> None:
        """Keep it until somebody needs it."""
        self._by_age[child] = None
        self._by_binding.setdefault(child.binding, {})[child] = None

    def take(self, task: Task) -> Child | None:
        """Give out the latest of its binding that may run it, and allow that. Raises `OSError`."""
        warm = self._by_binding.get(task.binding, {})
        child = next((child for child in reversed(warm) if child.may_run(task)), None)
        if child is not None:
            child.allow(task)
            self.discard(child)
        return child

    def discard(self, child: Child) -> None:
        """Forget it, if it is here."""
        if child in self._by_age:
            del self._by_age[child]
            warm = self._by_binding[child.binding]
            del warm[child]
            if not warm:
                del self._by_binding[child.binding]

    def oldest(self) -> Child:
        """Show the one that has been here longest."""
        return next(iter(self._by_age))

    def in_the_way(self, task: Task) -> list[Child]:
        """Show those that have a device of its, and in which it cannot run."""
        wanted = devices(task.binding)
        others = (child for child in self._by_age if task.is_isolated or child.binding != task.binding)
        return [child for child in others if child.devices & wanted]


def devices(binding: Binding) -> frozenset[Device]:
    """The devices that a process may touch, one by one."""
    return frozenset((name, index) for name, indices in binding.devices for index in indices)
