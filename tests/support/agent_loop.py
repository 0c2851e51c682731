"""The agent's own loop without its processes: a test ends functions, moves the clock and loses replies as it likes.

loop = Loop(cluster, monkeypatch, slots=2)
loop.step()
assert loop.calls() == ["beat", "tick", "finish"]
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from math import inf
from types import SimpleNamespace
from typing import Any, cast

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger.asking import ScriptBug
from handoff.ledger.connection import SILENCE_S
from handoff.ledger.texts.handed import Handed
from handoff.ledger.texts.holder import Holder
from handoff.words.capabilities import parse_capabilities
from handoff_worker.agent import agent as agent_module
from handoff_worker.agent import outage as outage_module
from handoff_worker.agent.agent import Agent
from handoff_worker.agent.courier import Courier
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.agent.options import Options
from handoff_worker.agent.started import Started
from handoff_worker.children.outcome import Died, Finished, Outcome
from handoff_worker.children.told import Told
from support.passing import pass_ms

LEASE_S = 30.0

START_MS = 1_900_000_000_000


class Selector:
    """Tells who has something to say. To sleep is to move the clock, if the test wants that."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._files: dict[int, Any] = {}

    def register(self, file: Any, events: int, data: Any = None) -> None:
        # Couriers, which nothing is given to here, are threads of their own.
        if not isinstance(file, Courier):
            self._files[id(file)] = SimpleNamespace(fileobj=file, data=data)

    def unregister(self, file: Any) -> None:
        del self._files[id(file)]

    def select(self, timeout_s: float) -> list[tuple[Any, int]]:
        ready = [(key, 1) for key in list(self._files.values()) if key.fileobj.is_ready()]
        if not ready:
            self._sleep(timeout_s)
        return ready


class Children:
    """Runs nothing: what was started ends when the test says so."""

    def __init__(self) -> None:
        self.room, self.starting, self.unable = 64, 0, ""
        self.told: list[Told] = []
        self.worked_s = 0.0
        self.tries = 0  #: how often it was tried whether a process can be started
        self.started: list[Any] = []
        self.killed: list[str] = []
        self.unbegun: set[str] = set()  #: what may still be taken back
        self.returns_at_once = False
        self._ended: list[Outcome] = []

    def start(self, task: Any) -> None:
        self.started.append(task)
        if self.returns_at_once:
            self.end(Finished(task.id, b"\xc0"))

    def end_idle(self) -> None:
        self.room = 0

    def try_again(self) -> None:
        self.tries += 1

    def kill(self, id: str, why: str) -> bool:
        return bool(self.kill_all([id], why))

    def kill_all(self, ids: Iterable[str], why: str) -> list[str]:
        killed = list(ids)
        self.killed += killed
        return killed

    def withdraw(self, id: str) -> bool:
        return id in self.unbegun

    def end(self, outcome: Outcome) -> None:
        self._ended.append(outcome)

    def is_ready(self) -> bool:
        return bool(self._ended)

    def poll(self) -> list[Outcome]:
        ended, self._ended = self._ended, []
        return ended

    def expire(self, now_s: float) -> None:
        """Nothing here takes too long."""

    def next_deadline(self) -> float:
        return inf

    def close(self) -> None:
        """There is no process."""


class Commands:
    """What is said on the channel is what the test says."""

    def __init__(self) -> None:
        self.connected = False
        self._said: list[dict[str, str] | Handed] = []
        self._is_broken = False
        #: These until it is connected anew.
        self.is_deaf = False
        self.leads_to_all_others = True

    def connect(self) -> None:
        self.connected, self.is_deaf, self.leads_to_all_others = True, False, True

    def listens(self) -> bool:
        return self.leads_to_all_others and not self.is_deaf

    def say(self, **command: str) -> None:
        self._said.append(command)

    def pass_on(self, handed: Handed) -> None:
        """What was sent with a hint arrives."""
        self._said.append(handed)

    def break_off(self) -> None:
        """The connection is gone."""
        self._is_broken = True

    def is_ready(self) -> bool:
        return bool(self._said) or self._is_broken

    def read(self) -> list[dict[str, str] | Handed]:
        if self._is_broken:
            self._is_broken = self.connected = False
            raise StoreUnavailable("here", "the connection is gone")
        said, self._said = self._said, []
        return said

    def close(self) -> None:
        self.connected = False


class Maker:
    """Makes tasks of functions that nobody runs."""

    node = "a"

    def task(self, started: Started) -> Any:
        return SimpleNamespace(id=started.id)

    def callback(self, started: Started, error: str, message: str, body: str) -> Any:
        return SimpleNamespace(id=f"{started.id}:on_failure", error=error)

    def lost_callback(self, started: Started, loss: str) -> Any:
        return SimpleNamespace(id=f"{started.id}:on_failure", lost_with=loss)


class LateAnswer:
    """An exchange whose answer is here when the test says so; Redis has carried it out at once, or only then."""

    def __init__(self, now_s: float, carry_out: Callable[[], Any], *, is_sent: bool) -> None:
        self.socket, self.until_s, self.is_here = self, now_s + SILENCE_S, False
        self._carry_out, self._reply = carry_out, None
        self._bug: ScriptBug | None = None
        if is_sent:
            self._receive()

    def is_ready(self) -> bool:
        return self.is_here

    def answer(self, silence_s: float) -> Any:
        if not self.is_here:
            raise StoreUnavailable("here", "it is silent")
        if self._reply is None and self._bug is None:
            self._receive()
        if self._bug is not None:
            raise self._bug
        return self._reply

    def _receive(self) -> None:
        try:
            self._reply = self._carry_out()
        except ScriptBug as bug:
            self._bug = bug


class Loop:
    """An agent of the node `a`, one step at a time."""

    def __init__(self, cluster: Cluster, patch: pytest.MonkeyPatch, *, slots: int = 4, **options: Any) -> None:
        cluster.store.now_ms = START_MS
        self.cluster = cluster
        self.now_s = 1000.0
        self._calls: list[str] = []
        self._faults: list[str] = []
        #: Whether the script of a call is to fail.
        self.breaks: Callable[..., bool] = lambda script, *rest, **given: False
        #: Whether exchanges are on their way until `arrive`: their "answer", or already the "call".
        self.late = ""
        self._on_its_way: LateAnswer | None = None
        self._sleeps = False
        self.children, self.commands = Children(), Commands()
        # Everything that the loop does by chance is at its middle.
        for module in (agent_module, outage_module):
            patch.setattr(module, "random", SimpleNamespace(uniform=lambda low, high: 1.0))
        patch.setattr(agent_module, "time", SimpleNamespace(monotonic=lambda: self.now_s))
        patch.setattr(
            agent_module, "selectors", SimpleNamespace(DefaultSelector=lambda: Selector(self._sleep), EVENT_READ=1)
        )
        self._attempt: Any = cluster.store.attempt
        patch.setattr(cluster.store, "attempt", self._try)
        patch.setattr(cluster.store, "begin", self._begin)
        capabilities = parse_capabilities({"slots": slots})
        self.ledger = NodeLedger(cluster.store, "a", Holder("here", 1, "1", "this"), uuid.uuid4().hex)
        assert self.ledger.register(capabilities, round(LEASE_S * 1000)) is None
        self._calls.clear()
        offer: Any = SimpleNamespace(capabilities=capabilities, labels={})
        children, commands, maker = (cast(Any, part) for part in (self.children, self.commands, Maker()))
        self.agent = Agent(self.ledger, children, commands, maker, Options(offer, lease_s=LEASE_S, **options))

    def _try(self, script: str, *rest: Any, **arguments: Any) -> Any:
        self._calls.append(script)
        fault = self._faults.pop(0) if self._faults else ""
        if fault == "command":
            raise StoreUnavailable("here", "it is away")
        if fault == "bug" or self.breaks(script, *rest, **arguments):
            raise ScriptBug(f"{script}: a line that has failed")
        reply = self._attempt(script, *rest, **arguments)
        if fault == "late bug":
            raise ScriptBug(f"{script}: its last line has failed")
        if fault == "reply":
            raise StoreUnavailable("here", "its reply was lost")
        return reply

    def _begin(self, script: str, *rest: Any, **arguments: Any) -> Any:
        def carry_out() -> Any:
            return self._try(script, *rest, **arguments)

        if self.late:
            self._on_its_way = LateAnswer(self.now_s, carry_out, is_sent=self.late == "answer")
            return self._on_its_way
        return SimpleNamespace(socket=None, until_s=self.now_s, answer=lambda silence_s: carry_out())

    def arrive(self) -> None:
        """Let the answer to what was sent last be here."""
        if self._on_its_way is not None:
            self._on_its_way.is_here = True

    def lose(self, *faults: str) -> None:
        """The next calls lose their `command` or their `reply`, "" = none of both, one after the other.

        Or their script fails with a `bug`, a `late bug` when all is done.
        """
        self._faults += faults

    def step(self, times: int = 1) -> None:
        """Let it do what it would do now."""
        for _ in range(times):
            self.agent.step()

    def run(self) -> None:
        """Let it run until it ends, and sleep by moving its clock."""
        self._sleeps = True
        self.agent.run()

    def _sleep(self, seconds: float) -> None:
        if self._sleeps:
            self.pass_s(seconds)

    def calls(self) -> list[str]:
        """What it has called since this was asked last."""
        calls, self._calls[:] = list(self._calls), []
        return calls

    def pass_s(self, seconds: float) -> None:
        """Both clocks move: the loop's, and that of the server."""
        self.now_s += seconds
        pass_ms(self.cluster.store, round(seconds * 1000))

    def running(self) -> list[str]:
        """What was given to children, by job."""
        return [task.id.rpartition(":")[0] for task in self.children.started]

    def finish(self, number: int = 0) -> None:
        """The child that was given this task returns."""
        self.children.end(Finished(self.children.started[number].id, b"\xc0"))

    def kill(self, number: int = 0) -> None:
        """The child that was given this task is killed."""
        self.children.end(Died(self.children.started[number].id, -9, "killed by signal 9 (SIGKILL)"))
