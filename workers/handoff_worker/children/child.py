"""One process that runs functions, from the wish for it to the news of its end; and those that wait for a function."""

from __future__ import annotations

import contextlib
import os
import signal
from math import inf

from handoff_worker.children.confine import Binding
from handoff_worker.children.outcome import Died, Failed, Outcome
from handoff_worker.children.task import Task
from handoff_worker.children.watch import PATIENCE, Watch, send_on
from handoff_worker.inside.wire import Channel

Device = tuple[str, int]
"""One device of a node: resource and index."""


class Child:
    """What the agent knows of one process."""

    __slots__ = (
        "answer",
        "binding",
        "buried",
        "channel",
        "deadline",
        "devices",
        "ending",
        "first_rss",
        "frame",
        "functions",
        "grown",
        "hung_up",
        "limit_s",
        "number",
        "pid",
        "reason",
        "requested",
        "task",
        "timed_out",
        "watch",
    )

    def __init__(self, number: int, channel: Channel, binding: Binding) -> None:
        self.number, self.channel, self.binding = number, channel, binding
        self.devices = devices(binding)
        self.requested = False  #: the nursery was asked for it, and may have forked it
        self.pid: int | None = None
        self.task: Task | None = None  #: what it runs or is about to run
        self.frame = b""  #: its task, as long as that must not be sent yet
        self.limit_s = inf
        self.deadline = inf
        self.functions = 0
        self.first_rss: int | None = None  #: bytes after its first function
        self.grown = 0  #: bytes since
        self.hung_up = False
        self.ending = False
        self.buried = False  #: its process is gone
        self.reason = ""
        self.answer: Outcome | None = None  #: what its function gave, which had left processes running
        self.timed_out = False
        self.watch = Watch()

    def is_spare(self) -> bool:
        """Whether it was asked for to see whether it can be, and it is not known yet."""
        return self.pid is None and self.task is None and not self.ending

    def finish_task(self, rss: int) -> None:
        """Note that its function has ended, and the bytes of its process after that."""
        self.task, self.deadline = None, inf
        self.functions += 1
        if self.first_rss is None:
            self.first_rss = rss
        self.grown = rss - self.first_rss

    def standstill(self) -> str:
        """Look whether it moves, if it runs a function. -> why it is to be given up, if it is"""
        if self.pid is None or self.task is None or self.ending:
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

    def last_outcome(self, id: str, code: int | None, text: str, grace_s: float) -> Outcome:
        """What came of its function, now that its process is gone."""
        if self.answer is not None:
            return self.answer
        if self.timed_out:
            message = f"did not end within {self.limit_s:g} seconds and {grace_s:g} more, so its process was killed"
            return Failed(id, "rq.timeouts.JobTimeoutException", message, message, retryable=True)
        return Died(id, code, f"{text}: {self.reason}" if self.reason else text)


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

    def take(self, binding: Binding) -> Child | None:
        """Give out the latest of that binding."""
        warm = self._by_binding.get(binding)
        if not warm:
            return None
        child = next(reversed(warm))
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

    def others(self, binding: Binding | None) -> list[Child]:
        """Show all that are bound otherwise than that; than None, all."""
        return [child for child in self._by_age if child.binding != binding]


def devices(binding: Binding) -> frozenset[Device]:
    """The devices that a process may touch, one by one."""
    return frozenset((name, index) for name, indices in binding.devices for index in indices)
