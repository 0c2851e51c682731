"""All states of a world, the nearest first, so that the first that does not hold is reached by a shortest way."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from model.explored.invariants import broken
from model.explored.moves import Move, Moves, describe
from model.explored.seen_events import begin, check_end, go_on
from model.explored.state import Agent, Function, Node, State
from model.explored.worlds import BUDGETS, World
from model.refused import Refused

MOST_TO_THE_END = 1000
"""Moves without faults after which a state counts as one that does not come to its end."""

TOLD_EVERY = 256
"""States."""


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A shortest way to where something does not hold."""

    breaks: str  #: of `model.rules.RULES` or `invariants.INVARIANTS`
    why: str
    steps: list[str]


@dataclass(slots=True)
class Explored:
    """What was gone over."""

    states: int = 1
    transitions: int = 0
    depth: int = 0  #: moves to the last state
    seconds: float = 0.0
    is_whole: bool = False  #: there are no further states
    counterexample: Counterexample | None = None


class NotSo(Exception):
    """Something does not hold after a move."""

    def __init__(self, breaks: str, why: str) -> None:
        super().__init__(breaks, why)
        self.breaks, self.why = breaks, why


def first_state(world: World) -> State:
    """All nodes are registered, and nothing is submitted yet."""
    return State(
        [Function() for _ in world.functions],
        [Node() for _ in world.nodes],
        [Agent() for _ in world.nodes],
        [world.may.get(budget, 0) for budget in BUDGETS],
        [],
        [],
        begin(world.nodes, len(world.functions)),
    )


@dataclass(slots=True)
class Explorer:
    """Goes over a world; `without` is the guard that is left out.

    `tell` hears now and then how far it is, and which part of the next depth is done.
    """

    world: World
    without: str = ""
    tell: Callable[[Explored, float], None] = lambda explored, part: None
    _moves: Moves = field(init=False)
    _number: dict[bytes, int] = field(default_factory=dict)  #: of a state, by its digest
    _from: list[tuple[int, Move]] = field(default_factory=list)  #: by number: the state before it, and the move
    _last: tuple[int, Move] = (0, ())  #: a state, and the move from it that is looked at
    _ends: set[bytes] = field(default_factory=set)  #: digests of states from which all comes to its end

    def __post_init__(self) -> None:
        self._moves = Moves(self.world, self.without)

    def explore(self, depth: int | None = None) -> Explored:
        """Go over all states, or those that so many moves lead to, until something does not hold."""
        explored, began_s = Explored(), time.monotonic()
        first = first_state(self.world).freeze()
        self._number, self._from = {_digest(first): 0}, [(-1, ())]
        level: list[tuple[int, bytes]] = [(0, first)]
        while level and not explored.counterexample and (depth is None or explored.depth < depth):
            following: list[tuple[int, bytes]] = []
            for i, (number, frozen) in enumerate(level):
                try:
                    self._look_behind(explored, number, frozen, following)
                except NotSo as wrong:
                    explored.counterexample = Counterexample(wrong.breaks, wrong.why, self._steps(explored))
                    break
                if i % TOLD_EVERY == 0:
                    explored.seconds = time.monotonic() - began_s
                    self.tell(explored, i / len(level))
            level = following
            explored.depth += bool(following) and explored.counterexample is None
        explored.is_whole = not level and explored.counterexample is None
        explored.seconds = time.monotonic() - began_s
        return explored

    def _look_behind(self, explored: Explored, number: int, frozen: bytes, following: list[tuple[int, bytes]]) -> None:
        for move in self._moves.all(State.thaw(frozen)):
            self._last = number, move
            explored.transitions += 1
            after = self.step(frozen, move)
            digest = _digest(after)
            if digest in self._number:
                continue
            self._number[digest] = len(self._from)
            following.append((len(self._from), after))
            self._from.append((number, move))
            explored.states += 1
            self._come_to_the_end(after)

    def step(self, frozen: bytes, move: Move) -> bytes:
        """The state that a move leads to. Raises `NotSo`."""
        s = State.thaw(frozen)
        self._moves.do(s, move)
        if s.events:
            try:
                s.replay = go_on(s.replay, tuple(s.events))
            except Refused as refused:
                raise NotSo(refused.rule, str(refused)) from refused
        wrong = broken(s, self.world)
        if wrong:
            raise NotSo(*wrong)
        return s.freeze()

    def _come_to_the_end(self, frozen: bytes) -> None:
        """Go on without faults until nothing is to do, or until where that is known to come to its end.

        How many faults there might still have been makes no difference then, nor do calls that do not arrive any more.
        """
        s = State.thaw(frozen)
        s.left, s.late = [0] * len(s.left), []
        frozen = s.freeze()
        passed: list[bytes] = []
        while (digest := _digest(frozen)) not in self._ends:
            passed.append(digest)
            s = State.thaw(frozen)
            move = self._moves.next_without_faults(s)
            if move is None:
                try:
                    check_end(s.replay)
                except Refused as refused:
                    raise NotSo("all end", f"nothing more happens from here on. {refused}") from refused
                break
            if len(passed) > MOST_TO_THE_END:
                raise NotSo("all end", "it goes on for ever")
            try:
                frozen = self.step(frozen, move)
            except NotSo:
                # It is come upon by the shortest way, sooner or later.
                return
        self._ends.update(passed)

    def _steps(self, explored: Explored) -> list[str]:
        moves: list[Move] = []
        number, move = self._last
        while number >= 0:
            moves.append(move)
            number, move = self._from[number]
        frozen, steps = first_state(self.world).freeze(), []
        for move in reversed(moves):
            s = State.thaw(frozen)
            steps.append(describe(move, s))
            self._moves.do(s, move)
            try:
                s.replay = go_on(s.replay, tuple(s.events))
            except Refused:
                break
            frozen = s.freeze()
        return steps


def _digest(frozen: bytes) -> bytes:
    return hashlib.blake2b(frozen, digest_size=12).digest()
