"""The agent as a process: registration with its take-over, signals, the tether to whoever started it."""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from math import inf
from types import FrameType
from typing import Any

from handoff_worker.agent.agent import Agent
from handoff_worker.agent.ledger import NameTaken, NodeLedger, Taken
from handoff_worker.agent.patience import Patience, ToldToEnd
from handoff_worker.machine.offer import Offer

logger = logging.getLogger(__name__)


def take_name(
    ledger: NodeLedger,
    offer: Offer,
    lease_ms: int,
    wait: Callable[[float], bool],
    patience_s: float = inf,
    *,
    listen: Callable[[], None],
    look: Callable[[], None],
) -> bool:
    """Register, if need be after waiting one lease for the holder before. -> False if `wait` was told to give up.

    `listen` tries before whether this process may
    hear commands, and `look` judges the server that has answered. A Redis that is away is waited for. Raises
    `NameTaken` if the holder renews its lease, `StoreUnavailable` after `patience_s`, and what `look` raises.
    """
    patience = Patience(wait, patience_s)

    def register() -> Taken | None:
        return patience.ask(lambda: ledger.register(offer.capabilities, lease_ms, labels=offer.labels))

    try:
        patience.ask(listen)
        look()
        taken = register()
        if taken is not None:
            logger.warning(
                "node %s is held by process %d on %s; waiting %.1f s for its lease",
                ledger.name, taken.holder.pid, taken.holder.host, taken.left_ms / 1000,
            )  # fmt: skip
            if not wait(taken.left_ms / 1000 + 0.05):
                return False
            taken = register()
    except ToldToEnd:
        return False
    if taken is not None:
        raise NameTaken(ledger.name, taken)
    return True


class Signals:
    """Turns signals into the agent's verbs, between two of its steps.

    TSTP: quiet. CONT: serve again. TERM and INT: stop; the second one: kill.
    """

    def __init__(self, tether: Tether | None = None) -> None:
        self._tether = tether
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._agent: Agent | None = None
        self._asked = 0
        self._quiet = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTSTP, signal.SIGCONT):
            signal.signal(number, self._note)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)

    @property
    def asked(self) -> bool:
        """Whether anybody has asked this process to end, or whoever started it has gone."""
        return self._asked > 0 or (self._tether is not None and self._tether.is_cut)

    def fileno(self) -> int:
        """Readable after a signal."""
        return self._read.fileno()

    def wait(self, seconds: float) -> bool:
        """Sleep, unless asked to end. -> whether the time has passed."""
        until_s = time.monotonic() + seconds
        files: list[Any] = [self._read, *([self._tether] if self._tether else [])]
        while not self.asked and (left_s := until_s - time.monotonic()) > 0:
            readable, _, _ = select.select(files, [], [], left_s)
            if self._tether is not None and self._tether in readable:
                self._tether.drain()
            self.drain()
        return not self.asked

    def await_readable(self, file: Any) -> bool:
        """Wait until a file is readable, unless asked to end. -> whether it is."""
        files: list[Any] = [self._read, *([self._tether] if self._tether else [])]
        while not self.asked:
            readable, _, _ = select.select([file, *files], [], [])
            if file in readable:
                return True
            if self._tether is not None and self._tether in readable:
                self._tether.drain()
            self.drain()
        return False

    def drain(self) -> None:
        """Forget the wake-up; the verbs were called by the handlers."""
        while True:
            try:
                if not self._read.recv(4096):
                    return
            except BlockingIOError:
                return

    def attach(self, agent: Agent) -> None:
        """Say whom the signals are for, those too that came before."""
        self._agent = agent
        agent.watch(self)
        if self._tether is not None:
            self._tether.attach(agent)
        if self._quiet:
            agent.quiet()
        if self.asked:
            agent.stop()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            self._asked += 1
        else:
            self._quiet = number == signal.SIGTSTP
        if self._agent is None:
            return
        if number == signal.SIGTSTP:
            self._agent.quiet()
        elif number == signal.SIGCONT:
            self._agent.serve()
        elif self._asked > 1:
            self._agent.kill()
        else:
            self._agent.stop()


class Tether:
    """A pipe whose other end closes with the process that started this agent: then it ends too."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._agent: Agent | None = None
        self.is_cut = False

    def fileno(self) -> int:
        """Readable once it is cut."""
        return self._descriptor

    def attach(self, agent: Agent) -> None:
        """Say whom it ends."""
        self._agent = agent
        agent.watch(self)
        if self.is_cut:
            agent.kill()

    def drain(self) -> None:
        """It was cut, or somebody wrote into it, which nobody does."""
        if os.read(self._descriptor, 1):
            return
        self.is_cut = True
        if self._agent is not None:
            self._agent.kill()
