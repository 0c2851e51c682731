"""What an agent does with what it hears, and what becomes of its children."""

from __future__ import annotations

from collections.abc import Sequence

from model.explored.scripts import Scripts
from model.explored.state import Call, Hint, Id, State


class Agents:
    """Calls go through in three ways: `fine`; `lost` is the reply; `late` is the call, which may still arrive once."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._keeps = scripts.books.keeps

    def exchange(self, s: State, at: int, how: str) -> None:
        """Tell what has ended and take one function; a call that has no answer is repeated instead."""
        agent = s.agents[at]
        if agent.sent is None:
            agent.sent, agent.ended = agent.ended, []
        call: Call = ("finish", at, agent.epoch, agent.op + 1, list(agent.sent), 1)
        if how == "late":
            s.late.append(call)
            return
        started = self._scripts.finish(s, *call[1:])
        if how == "lost":
            agent.op += not self._keeps("same number")
        elif started is None:
            self._stale(s, at)
        else:
            known = set(agent.has()) if self._keeps("told of what was heard") else set()
            agent.op, agent.sent = agent.op + 1, None
            for id in started:
                if id not in known:
                    agent.runs.setdefault(id, False)

    def beat(self, s: State, at: int) -> None:
        """Say what runs, and stop what is not to. One that comes late is heard by nobody, and changes nothing."""
        agent = s.agents[at]
        said = self._scripts.beat(s, at, agent.epoch, agent.has())
        if said is None:
            self._stale(s, at)
            return
        stops, asked = said
        for id in stops:
            if agent.runs.pop(id, None) is not None:
                agent.ended.append((id, "stopped"))
        agent.denies = self.lacks(s, at, asked)

    def lacks(self, s: State, at: int, asked: Sequence[Id]) -> list[Id]:
        """What of it does not run there, by what the agent knows."""
        has = s.agents[at].has() if self._keeps("beat believed") else []
        return [id for id in asked if id not in has]

    def deny(self, s: State, at: int, how: str) -> None:
        """Say of what a beat has asked for that it does not run here."""
        agent = s.agents[at]
        call: Call = ("deny", at, agent.epoch, agent.op, agent.denies)
        agent.denies = []
        if how == "late":
            s.late.append(call)
        else:
            self._scripts.deny(s, *call[1:])

    def _stale(self, s: State, at: int) -> None:
        agent = s.agents[at]
        agent.epoch, agent.op, agent.sent, agent.ended, agent.denies = 0, 0, None, [], []
        if self._keeps("fenced"):
            agent.runs = {}

    def register(self, s: State, at: int, how: str) -> None:
        epoch = self._scripts.register(s, at)
        if how == "fine":
            s.agents[at].epoch = epoch

    def hear(self, s: State, at: int) -> None:
        """Begin with what was handed over, unless a call has told of it."""
        _, epoch, op, id = _take_hint(s, at)
        agent = s.agents[at]
        if agent.epoch == epoch and (op > agent.op or not self._keeps("heard once")):
            agent.runs.setdefault(id, False)

    def miss(self, s: State, at: int) -> None:
        _take_hint(s, at)

    def kill(self, s: State, at: int) -> None:
        """Its children die with it, and nobody knows any more what came of them."""
        s.hints = [hint for hint in s.hints if hint[0] != at]
        agent = s.agents[at]
        agent.is_dead, agent.epoch, agent.op, agent.runs = True, 0, 0, {}
        agent.ended, agent.sent, agent.denies = [], None, []

    def restart(self, s: State, at: int) -> None:
        s.agents[at].is_dead = False
        s.nodes[at].is_its_agents = False

    def begin(self, s: State, at: int, id: Id) -> None:
        s.agents[at].runs[id] = True
        s.functions[id[0]].begun += 1

    def end(self, s: State, at: int, id: Id, kind: str) -> None:
        agent = s.agents[at]
        del agent.runs[id]
        agent.ended.append((id, kind))
        if kind == "finished":
            s.functions[id[0]].has_returned = True

    def arrive(self, s: State, number: int) -> None:
        """A late call is carried out, and nobody hears the reply."""
        kind, *arguments = s.late.pop(number)
        getattr(self._scripts, kind)(s, *arguments)


def _take_hint(s: State, at: int) -> Hint:
    """The first of that agent: they come in their order."""
    return s.hints.pop(next(number for number, hint in enumerate(s.hints) if hint[0] == at))
