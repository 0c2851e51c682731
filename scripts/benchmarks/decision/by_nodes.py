"""Submit placed, submit refused and finish, nothing waiting, at few and many nodes in three states of the cluster."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.decision.bars import BY_NODES, growth, slowest
from benchmarks.decision.meter import Times
from benchmarks.decision.scene import Capabilities, Cost, Scene
from benchmarks.figures import Figure

CPU, MEMORY, GPUS = 32, 128_000, 8
NODE: Capabilities = {"cpu": CPU, "memory": MEMORY, "gpu": [*range(GPUS)], "slots": 128}
WHOLE: dict[str, float] = {"cpu": CPU, "memory": MEMORY, "gpu": GPUS}

LARGE: Capabilities = {"cpu": 2 * CPU, "memory": 2 * MEMORY, "gpu": [*range(GPUS)], "slots": 128}
WHOLE_LARGE: Cost = {"cpu": 2 * CPU, "memory": 2 * MEMORY, "gpu": GPUS}
"""The last node is larger than the others and always taken: what only it could hold waits, however empty the rest."""

PLACED: Cost = {"cpu": 1, "memory": 3_000, "gpu": 0.25}
ONLY_ON_LARGE: Cost = {"cpu": CPU + 8, "memory": 3_000, "gpu": 1}
TOO_LARGE_FOR_ANY_ROOM: Cost = {"cpu": 16, "memory": 40_000, "gpu": 4}

ROUND = 8
"""Functions that are placed before they are canceled again: what has room in the smallest cluster."""

RUNNING = 400
"""On so many nodes, by chance, something runs that may finish."""


@dataclass(frozen=True, slots=True)
class State:
    """How full a cluster is."""

    name: str
    refused: Cost
    #: what runs on each of so many ordinary nodes, None = nothing
    fill: Callable[[int, random.Random], Iterator[Cost | None]]


def _empty(nodes: int, chance: random.Random) -> Iterator[Cost | None]:
    busy = set(chance.sample(range(nodes), min(ROUND, nodes)))
    return (PLACED if number in busy else None for number in range(nodes))


def _nearly_full(nodes: int, chance: random.Random) -> Iterator[Cost | None]:
    """Nine nodes in ten are full, with the large one; those that are free come last."""
    full = (nodes + 1) * 9 // 10 - 1
    return (WHOLE if number < full else None for number in range(nodes))


def _fragmented(nodes: int, chance: random.Random) -> Iterator[Cost | None]:
    """Every node has some room, but nine in ten lack one resource for what is submitted."""
    for number in range(nodes):
        free: dict[str, float] = {
            "cpu": chance.randrange(40, CPU * 10) / 10,
            "memory": chance.randrange(12_000, MEMORY),
            "gpu": chance.randrange(1, GPUS),
        }
        match number % 10:
            case 0 | 3 | 6:
                free["cpu"] = chance.randrange(1, 10) / 10
            case 1 | 4 | 7:
                free["memory"] = chance.randrange(1, 3_000)
            case 2 | 8 | 9:
                free["gpu"] = 0
            case _:
                free = {"cpu": chance.randrange(8, 16), "memory": chance.randrange(24_000, 40_000), "gpu": 3}
        yield {name: whole - free[name] for name, whole in WHOLE.items()}


STATES = (
    State("empty", ONLY_ON_LARGE, _empty),
    State("90 % full", ONLY_ON_LARGE, _nearly_full),
    State("fragmented", TOO_LARGE_FOR_ANY_ROOM, _fragmented),
)


@dataclass(slots=True)
class _Case:
    """One cluster of one size in one state, ready to be asked."""

    scene: Scene
    state: State
    chance: random.Random
    running: list[tuple[str, str, Cost]] = field(default_factory=list)  #: node, reservation, cost
    times: dict[str, Times] = field(default_factory=lambda: defaultdict(Times))

    def prepare(self, nodes: int) -> None:
        names = [f"node{number}" for number in range(nodes)]
        self.scene.register(dict.fromkeys(names[:-1], NODE) | {names[-1]: LARGE})
        self.scene.lay(names[-1], WHOLE_LARGE)
        fill = [
            (name, cost)
            for name, cost in zip(names[:-1], self.state.fill(nodes - 1, self.chance), strict=True)
            if cost is not None
        ]
        calls = (self.scene.submitting(cost, node=name) for name, cost in fill)
        for _ in self.scene.submit_all(calls, tag=b"placed"):
            pass
        for name, cost in self.chance.sample(fill, min(RUNNING, len(fill))):
            self.running.append((name, self.scene.start(name), cost))
        self.scene.age(PLACED)

    def round(self, run: int) -> None:
        """Time a few of each; afterwards the cluster is as it was."""
        placed = []
        for _ in range(ROUND):
            id, us = self.scene.submit(self.scene.submitting(PLACED), "placed")
            self.times["submit placed"].add(run, us)
            placed.append(id)
        for id in placed:
            self.scene.cancel(id)
        for _ in range(ROUND):
            # One at a time: the second would join the first, which takes no look at the nodes.
            id, us = self.scene.submit(self.scene.submitting(self.state.refused), "waiting")
            self.times["submit refused"].add(run, us)
            self.scene.cancel(id)
        for _ in range(ROUND):
            which = self.chance.randrange(len(self.running))
            name, reservation, cost = self.running[which]
            self.times["finish"].add(run, self.scene.finish(name, reservation))
            self.running[which] = name, self.scene.lay(name, cost), cost


def measure(sizes: Sequence[int], size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure each operation `size` times a run at each number of nodes, a few at a time in turn."""
    figures = []
    everything: dict[str, Times] = {}
    for state in STATES:
        with ExitStack() as stack:
            cases = {nodes: _Case(stack.enter_context(Scene()), state, random.Random(nodes)) for nodes in sizes}
            for nodes, case in cases.items():
                case.prepare(nodes)
                tell(f"decision, {state.name}: {nodes:,} nodes are set up")
            for run in range(repeats):
                for _ in range(-(-size // ROUND)):
                    for case in cases.values():
                        case.round(run)
                tell(f"decision, {state.name}: run {run + 1}/{repeats}")
        for what in cases[sizes[0]].times:
            series = {f"{nodes:,}": case.times[what] for nodes, case in cases.items()}
            figures.append(growth(f"{what}, {state.name}", series, size, BY_NODES))
            everything |= {f"{what}, {state.name}, {name} nodes": times for name, times in series.items()}
    return [*figures, slowest("p99 of all of these", everything, size)]
