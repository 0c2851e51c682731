"""What may happen next in a state: the moves, which of them are faults, and what people call them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model.explored.agents import Agents
from model.explored.scripts import Scripts
from model.explored.seen_events import FUNCTIONS, NODES
from model.explored.state import State
from model.explored.worlds import BUDGETS, Budget, World

Move = tuple[Any, ...]
"""A verb with what it is about: a function, or a node and more."""

HOW: dict[str, tuple[str, Budget | None]] = {
    "fine": ("", None),
    "lost": (", and the reply is lost", "lost"),
    "late": (", which does not arrive yet", "late"),
}

FAULTS: dict[str, Budget] = {
    "cancel": "cancels", "lapse": "lapses", "kill": "kills", "drain": "drains", "unstarted": "unstarted",
    "fails": "failures", "wait": "waits", "miss": "missed",
}  # fmt: skip


class Moves:
    """The moves of one world; `without` is the guard that is left out."""

    def __init__(self, world: World, without: str = "") -> None:
        self._scripts = Scripts(world, without)
        self._agents = Agents(self._scripts)
        self._keeps = self._scripts.books.keeps

    def all(self, s: State) -> list[Move]:
        return [move for move in self._thinkable(s) if _may(s, move)]

    def next_without_faults(self, s: State) -> Move | None:
        """One move, where nothing fails any more and everybody goes on; None: there is nothing more to do."""
        for move in self._thinkable(s):
            if move[0] not in FAULTS and move[-1] not in ("lost", "late") and move[0] not in ("restart", "arrive"):
                return move
        for at, agent in enumerate(s.agents):
            if agent.is_dead:
                return "restart", at
        return None

    def do(self, s: State, move: Move) -> None:
        budget = _budget(move)
        if budget:
            s.left[BUDGETS.index(budget)] -= 1
        verb, *rest = move
        getattr(self, f"_{verb}")(s, *rest)

    def _thinkable(self, s: State) -> Iterator[Move]:
        for at, node in enumerate(s.nodes):
            if node.is_left:
                yield "recover", at
        for number, function in enumerate(s.functions):
            if function.client != "sure":
                yield from (("submit", number, how) for how in HOW)
            is_canceled_late = function.state == "canceled" and not self._keeps("due once")
            if self._keeps("due") and (function.state == "delayed" or is_canceled_late):
                yield "due", number
            if function.state not in ("", "finished", "failed", "canceled") and not function.is_canceled:
                yield "cancel", number
        for at in range(len(s.nodes)):
            yield from self._of_an_agent(s, at)
            yield from self._of_a_node(s, at)
        yield from (("arrive", number) for number in range(len(s.late)))

    def _of_a_node(self, s: State, at: int) -> Iterator[Move]:
        node, agent = s.nodes[at], s.agents[at]
        yield ("restart", at) if agent.is_dead else ("kill", at)
        if node.is_up:
            yield "lapse", at
        yield ("undrain", at) if node.is_draining else ("drain", at)

    def _of_an_agent(self, s: State, at: int) -> Iterator[Move]:
        agent, node = s.agents[at], s.nodes[at]
        for id, has_begun in sorted(agent.runs.items()):
            if has_begun:
                yield from (("ends", at, id), ("fails", at, id))
            else:
                yield from (("begin", at, id), ("unstarted", at, id))
        if agent.is_dead:
            return
        if agent.epoch == 0:
            if not node.is_left or not node.is_its_agents or not self._keeps("emptied first"):
                yield from (("register", at, how) for how in ("fine", "lost"))
            return
        if agent.denies:
            yield from (("deny", at, how) for how in ("fine", "late"))
            return
        if any(hint[0] == at for hint in s.hints):
            yield from (("hear", at), ("miss", at))
        has = agent.has()
        # It looks now and then, which changes something only so.
        is_unheard = any(by > node.op and id not in has for id, by in node.running.items())
        if agent.sent is not None or agent.ended or node.queue or is_unheard:
            yield from (("exchange", at, how) for how in HOW)
        elif not node.is_ready:
            yield "wait", at
        if self._would_hear(s, at):
            yield "beat", at

    def _would_hear(self, s: State, at: int) -> bool:
        """Whether a beat would tell its agent, or the books, of anything."""
        agent = s.agents[at]
        said = self._scripts.beat(s, at, agent.epoch, agent.has())
        return said is None or any(id in agent.runs for id in said[0]) or bool(self._agents.lacks(s, at, said[1]))

    # What they do.

    def _submit(self, s: State, function: int, how: str) -> None:
        s.functions[function].client = "sure" if how == "fine" else "unsure"
        if how == "late":
            s.late.append(("submit", function))
        else:
            self._scripts.submit(s, function)

    def _cancel(self, s: State, function: int) -> None:
        self._scripts.books.cancel(s, function)

    def _due(self, s: State, function: int) -> None:
        self._scripts.end_delay(s, function)

    def _lapse(self, s: State, at: int) -> None:
        self._scripts.books.abandon(s, at, "lost")

    def _recover(self, s: State, at: int) -> None:
        self._scripts.books.recover(s, at)

    def _kill(self, s: State, at: int) -> None:
        self._agents.kill(s, at)

    def _restart(self, s: State, at: int) -> None:
        self._agents.restart(s, at)

    def _register(self, s: State, at: int, how: str) -> None:
        self._agents.register(s, at, how)

    def _exchange(self, s: State, at: int, how: str) -> None:
        self._agents.exchange(s, at, how)

    def _wait(self, s: State, at: int) -> None:
        self._agents.exchange(s, at, "fine")

    def _hear(self, s: State, at: int) -> None:
        self._agents.hear(s, at)

    def _miss(self, s: State, at: int) -> None:
        self._agents.miss(s, at)

    def _beat(self, s: State, at: int) -> None:
        self._agents.beat(s, at)

    def _deny(self, s: State, at: int, how: str) -> None:
        self._agents.deny(s, at, how)

    def _begin(self, s: State, at: int, id: tuple[int, int]) -> None:
        self._agents.begin(s, at, id)

    def _unstarted(self, s: State, at: int, id: tuple[int, int]) -> None:
        self._agents.end(s, at, id, "unstarted")

    def _ends(self, s: State, at: int, id: tuple[int, int]) -> None:
        self._agents.end(s, at, id, "finished")

    def _fails(self, s: State, at: int, id: tuple[int, int]) -> None:
        self._agents.end(s, at, id, "failed")

    def _drain(self, s: State, at: int) -> None:
        self._scripts.drain(s, at)

    def _undrain(self, s: State, at: int) -> None:
        self._scripts.undrain(s, at)

    def _arrive(self, s: State, number: int) -> None:
        self._agents.arrive(s, number)


def _budget(move: Move) -> Budget | None:
    return FAULTS.get(move[0]) or (HOW[move[-1]][1] if move[-1] in HOW else None)


def _may(s: State, move: Move) -> bool:
    budget = _budget(move)
    if move[0] == "lapse" and s.agents[move[1]].is_dead:
        return True
    return budget is None or s.left[BUDGETS.index(budget)] > 0


def describe(move: Move, s: State) -> str:
    """What people call a move from that state."""
    verb, first, *rest = move
    function, node = FUNCTIONS[first % 4], NODES[first % 4]
    which = FUNCTIONS[rest[0][0]] if verb in ("begin", "unstarted", "ends", "fails") else ""
    how = HOW[rest[-1]][0] if rest and rest[-1] in HOW else ""
    repeats = verb == "exchange" and s.agents[first].sent is not None
    says = {
        "submit": f"a client submits {function}{' once more' if s.functions[first % len(s.functions)].client else ''}",
        "cancel": f"somebody cancels {function}",
        "due": f"the delay of {function} is over",
        "recover": f"somebody goes on with what {node} has left",
        "lapse": f"the lease of {node} runs out: its agent is stopped, cut off or dead",
        "kill": f"the agent of {node} is killed, with its children",
        "restart": f"an agent is started anew on {node}",
        "register": f"the agent of {node} registers",
        "exchange": f"the agent of {node} {'repeats its call' if repeats else 'tells what has ended and takes'}",
        "wait": f"the agent of {node} says that it waits for something to run",
        "hear": f"the agent of {node} hears what was handed to it",
        "miss": f"the hint with which something was handed to {node} is lost",
        "beat": f"the agent of {node} says what it runs",
        "deny": f"the agent of {node} says what it does not run",
        "begin": f"a child on {node} begins {which}",
        "unstarted": f"no process can be started for {which} on {node}",
        "ends": f"{which} returns on {node}",
        "fails": f"{which} raises on {node}",
        "drain": f"{node} is drained",
        "undrain": f"{node} is opened again",
        "arrive": "a late call arrives",
    }
    if verb == "arrive":
        kind, whose = s.late[first][:2]
        says["arrive"] = {
            "submit": f"the late submit of {FUNCTIONS[whose % 4]} arrives",
            "finish": f"a late call of the agent of {NODES[whose % 4]} arrives: what has ended, and a take",
            "deny": f"a late call of the agent of {NODES[whose % 4]} arrives: what it does not run",
        }[kind]
    return says[verb] + how
