"""One state of the model: the books, the agents with what they know, the clients, and calls that are still under way.

It is changed in place, and kept as bytes. Numbers that only grow (placements, epochs, calls) are counted anew among
those that are still named somewhere: states that differ in nothing else are one.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from model.explored.seen_events import FrozenReplay, renumber

Id = tuple[int, int]
"""A reservation: the function, and the number of the placement."""

Call = tuple[Any, ...]
"""A call that arrives late: ("submit", function), ("finish", node, epoch, number, results, room) or
("deny", node, epoch, number of the last call that was answered, what does not run)."""

Hint = tuple[int, int, int, Id]
"""What is handed over and not heard of yet: the node, its epoch, by which number of a call it was started, what."""

FINISH_OR_DENY = 5
"""Values that a call of an agent has at least."""


@dataclass(slots=True)
class Function:
    """One function by the books, and what is so of it."""

    state: str = ""  #: '' = not submitted
    node: int = -1
    placement: int = 0
    attempts: int = 0
    is_canceled: bool = False
    client: str = ""  #: of its client: '' = has not submitted, `unsure` = has no reply, `sure`
    begun: int = 0  #: how often a child has really begun with it
    has_returned: bool = False  #: in some child


@dataclass(slots=True)
class Node:
    """One node by the books."""

    is_up: bool = True
    is_draining: bool = False
    is_left: bool = False  #: of its last life something may still be reserved
    is_its_agents: bool = True  #: the agent process of now has registered it
    epoch: int = 1
    op: int = 0  #: number of the last call that was answered
    is_ready: bool = False  #: its agent waits for one, to be handed over
    used: int = 0
    held: dict[Id, int] = field(default_factory=dict)
    queue: list[int] = field(default_factory=list)
    running: dict[Id, int] = field(default_factory=dict)  #: by which call it was started


@dataclass(slots=True)
class Agent:
    """The agent of a node, with its children. One that is stopped or cut off just does nothing for a while."""

    is_dead: bool = False
    epoch: int = 1  #: 0 = it has to register
    op: int = 0  #: number of its last call that was answered
    runs: dict[Id, bool] = field(default_factory=dict)  #: whether its child has begun
    ended: list[tuple[Id, str]] = field(default_factory=list)  #: not told yet
    sent: list[tuple[Id, str]] | None = None  #: told by a call that has no answer
    denies: list[Id] = field(default_factory=list)  #: asked for by a beat, and to be said that it does not run

    def has(self) -> list[Id]:
        """What runs there, or has ended and is not known to be told: what a beat says."""
        return sorted([*self.runs, *(id for id, _ in (*(self.sent or ()), *self.ended))])


@dataclass(slots=True)
class State:
    functions: list[Function]
    nodes: list[Node]
    agents: list[Agent]
    left: list[int]  #: of each of `worlds.BUDGETS`
    late: list[Call]
    hints: list[Hint]
    replay: FrozenReplay
    events: list[tuple[str, ...]] = field(default_factory=list)  #: written by the move that led here
    broken: str = ""  #: an invariant that this move has broken, of `invariants.INVARIANTS`

    def freeze(self) -> bytes:
        """The same for all states that are the same. Numbers are counted anew, here too."""
        self._count_anew()
        return marshal.dumps(
            (
                [
                    (f.state, f.node, f.placement, f.attempts, f.is_canceled, f.client, f.begun, f.has_returned)
                    for f in self.functions
                ],
                [
                    (
                        n.is_up, n.is_draining, n.is_left, n.is_its_agents, n.epoch, n.op, n.is_ready, n.used,
                        sorted(n.held.items()), n.queue, sorted(n.running.items()),
                    )
                    for n in self.nodes
                ],
                [
                    (a.is_dead, a.epoch, a.op, sorted(a.runs.items()), (sorted(a.ended), a.sent, a.denies))
                    for a in self.agents
                ],
                self.left,
                sorted(self.late),
                self.hints,
                self.replay,
            ),
            2,  # Later versions write things that are alike as one or as two.
        )  # fmt: skip

    @classmethod
    def thaw(cls, frozen: bytes) -> State:
        functions, nodes, agents, left, late, hints, replay = marshal.loads(frozen)
        return cls(
            [Function(*each) for each in functions],
            [Node(*(*head, dict(held), queue, dict(running))) for *head, held, queue, running in nodes],
            [Agent(*(*head, dict(runs), *told)) for *head, runs, told in agents],
            left, late, hints, replay,
        )  # fmt: skip

    def _count_anew(self) -> None:
        placements = [compress(ids, 1) for ids in self._named()]
        epochs = [compress(each, 1) for each in self._epochs()]
        ops = [compress(each, 2) for each in self._ops()]
        if all(new == old for maps in (placements, epochs, ops) for map in maps for old, new in map.items()):
            return

        def anew(id: Id) -> Id:
            return id[0], placements[id[0]][id[1]]

        def told(results: Iterable[tuple[Id, str]]) -> list[tuple[Id, str]]:
            return [(anew(id), kind) for id, kind in results]

        for function, numbers in zip(self.functions, placements, strict=True):
            function.placement = numbers[function.placement]
        for number, (node, agent) in enumerate(zip(self.nodes, self.agents, strict=True)):
            node.held = {anew(id): units for id, units in node.held.items()}
            node.running = {anew(id): ops[number][op] for id, op in node.running.items()}
            node.epoch, agent.epoch = epochs[number][node.epoch], epochs[number][agent.epoch]
            node.op, agent.op = ops[number][node.op], ops[number][agent.op]
            agent.runs = {anew(id): begun for id, begun in agent.runs.items()}
            agent.ended, agent.sent = told(agent.ended), None if agent.sent is None else told(agent.sent)
            agent.denies = [anew(id) for id in agent.denies]
        for i, call in enumerate(self.late):
            if len(call) >= FINISH_OR_DENY:
                kind, node_, epoch, op, has, *rest = call
                renewed = told(has) if kind == "finish" else [anew(id) for id in has]
                self.late[i] = (kind, node_, epochs[node_][epoch], ops[node_][op], renewed, *rest)
        self.hints = [(at, epochs[at][epoch], ops[at][op], anew(id)) for at, epoch, op, id in self.hints]
        self.replay = renumber(self.replay, placements, epochs)

    def _named(self) -> list[set[int]]:
        named = [{0, function.placement} for function in self.functions]
        for node in self.nodes:
            for each, number in (*node.held, *node.running):
                named[each].add(number)
        for agent in self.agents:
            for each, number in (*agent.has(), *agent.denies):
                named[each].add(number)
        for kind, *_, has, last in (call for call in self.late if len(call) >= FINISH_OR_DENY):
            ids = [id for id, _ in has] if kind == "finish" else last
            for each, number in ids:
                named[each].add(number)
        for id in (*(id for id, *_ in self.replay[1]), *(id for *_, id in self.hints)):
            named[id[0]].add(id[1])
        for each, life in enumerate(self.replay[2]):
            named[each].update((life[1], life[-1]))
        return named

    def _epochs(self) -> list[set[int]]:
        epochs = [
            {0, node.epoch, agent.epoch, told[2]}
            for node, agent, told in zip(self.nodes, self.agents, self.replay[0], strict=True)
        ]
        for _, node, _, epoch in self.replay[1]:
            epochs[node].add(epoch)
        for node, epoch, *_ in self.hints:
            epochs[node].add(epoch)
        for call in self.late:
            if len(call) >= FINISH_OR_DENY:
                epochs[call[1]].add(call[2])
        return epochs

    def _ops(self) -> list[set[int]]:
        ops = [
            {0, node.op, agent.op, *node.running.values()} for node, agent in zip(self.nodes, self.agents, strict=True)
        ]
        for call in self.late:
            if len(call) >= FINISH_OR_DENY:
                ops[call[1]].add(call[3])
        for at, _, op, _ in self.hints:
            ops[at].add(op)
        return ops


def compress(numbers: Iterable[int], step: int) -> dict[int, int]:
    """Numbers from 0, in their order, with at most so much between two neighbours."""
    renewed, last, new = {}, 0, 0
    for number in sorted(numbers):
        new += min(number - last, step)
        renewed[number] = new
        last = number
    return renewed
