"""A finish that starts one function, on a saturated cluster where few shapes wait or thousands, beside its two halves.

The halves, a finish that starts nothing and a submit that is placed, are taken from a cluster as full on which nothing
waits: work that one call leaves to the next cannot make them look dear.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product

from benchmarks.decision.bars import PART, STARTING_ONE, details, said, slowest
from benchmarks.decision.meter import Times
from benchmarks.decision.scene import Capabilities, Cost, Scene, Unexpected
from benchmarks.figures import Figure

NODE: Capabilities = {"cpu": 32, "memory": 32_000, "slots": 256}
LARGEST_CPU, LARGEST_MEMORY = 10, 10_000
"""What the largest shape wants; some six functions fill a node."""

SPARE: Capabilities = {"cpu": 32, "memory": 90, "slots": 256}
CRUMB: Cost = {"cpu": 1, "memory": 10}
"""Fits on the spare node, where nothing that waits does."""

ROUND = 8
ALL = 256
FILLING = 1_000
"""Functions submitted between two looks at how many wait."""

STARTS_ONE = "starts one"
STARTS_NONE = "starts none"
ALONE = "half, finish"
PLACED = "half, submit"


@dataclass(frozen=True, slots=True)
class Mix:
    """What runs and waits."""

    shapes: Sequence[Cost]
    waiting: int  #: about so many functions

    @property
    def name(self) -> str:
        return f"{len(self.shapes):,} shapes"


def mix(cpus: int, memories: int, waiting: int) -> Mix:
    """Functions of so many different amounts of each resource."""
    amounts = product(range(1, cpus + 1), range(1, memories + 1))
    shapes = [
        {"cpu": round(LARGEST_CPU * cpu / cpus, 2), "memory": LARGEST_MEMORY * memory // memories}
        for cpu, memory in amounts
    ]
    return Mix(shapes, waiting)


class _Full(ABC):
    """A saturated cluster."""

    def __init__(self, scene: Scene, mix: Mix) -> None:
        self.scene, self.mix = scene, mix
        self.times: dict[str, Times] = defaultdict(Times)
        self.chance = random.Random(len(mix.shapes))
        self.costs: dict[str, Cost] = {}  #: of what was submitted, by job

    def prepare(self, nodes: int) -> None:
        """Submit until enough wait; what was placed before is running then."""
        self.names = [f"node{number}" for number in range(nodes)]
        self.scene.register(dict.fromkeys(self.names, NODE) | {"spare": SPARE})
        self.scene.age(CRUMB)
        while self.scene.waiting() < self.mix.waiting:
            costs = self.chance.choices(self.mix.shapes, k=FILLING)
            submits = self.scene.submit_all(map(self.scene.submitting, costs))
            self.costs |= {id: cost for (id, _), cost in zip(submits, costs, strict=True)}
        for name in self.names:
            self.scene.agents[name].take(ALL)

    @abstractmethod
    def round(self, run: int) -> None:
        """Time a few calls."""


class _Waited(_Full):
    """Here thousands wait, and each finish makes room for them."""

    def round(self, run: int) -> None:
        """Time a few finishes; what ends is replaced by what waited."""
        for _ in range(ROUND):
            self._finish(run)

    def _finish(self, run: int) -> None:
        agent = self.scene.agents[self.chance.choice(self.names)]
        if not agent.runs:
            agent.take(ALL)
            return
        waiting, running = self.scene.waiting(), len(agent.runs)
        us = self.scene.finish(agent.name, self.chance.choice([*agent.runs]))
        begun, taken = waiting - self.scene.waiting(), len(agent.runs) - running + 1
        # A finish may also start functions of other nodes, or take what was placed here before: neither is asked.
        if begun == taken == 0:
            self.times[STARTS_NONE].add(run, us)
        elif begun == taken == 1:
            self.times[STARTS_ONE].add(run, us)
        elif begun:
            agent.take(ALL)


class _Alone(_Full):
    """Here nothing waits."""

    def prepare(self, nodes: int) -> None:
        super().prepare(nodes)
        running = {started.job_id for agent in self.scene.agents.values() for started in agent.runs.values()}
        self.scene.cancel_all(self.costs.keys() - running)

    def round(self, run: int) -> None:
        """Time a few of both; afterwards the cluster is as full as before."""
        for _ in range(ROUND):
            agent = self.scene.agents[self.chance.choice(self.names)]
            started = self.chance.choice([*agent.runs.values()])
            self.times[ALONE].add(run, self.scene.finish(agent.name, started.id))
            cost = self.costs.pop(started.job_id)
            self.costs[self.scene.lay(agent.name, cost).rpartition(":")[0]] = cost
        for _ in range(ROUND):
            id, us = self.scene.submit(self.scene.submitting(CRUMB), "placed")
            self.times[PLACED].add(run, us)
            self.scene.cancel(id)


def measure(nodes: int, mixes: Sequence[Mix], size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure `size` finishes a run with each mix, and `size` of both halves, a few at a time in turn."""
    with ExitStack() as stack:
        alone = _Alone(stack.enter_context(Scene()), Mix(mixes[0].shapes, FILLING))
        waited = [_Waited(stack.enter_context(Scene()), mix) for mix in mixes]
        cases: list[_Full] = [alone, *waited]
        for case in cases:
            case.prepare(nodes)
            tell(f"decision, {case.mix.name}: {nodes:,} nodes are full and {case.scene.waiting():,} functions wait")
        left_over: dict[str, list[int]] = defaultdict(list)
        for run in range(repeats):
            for _ in range(-(-size // ROUND)):
                for case in cases:
                    case.round(run)
            for case in waited:
                left_over[case.mix.name].append(case.scene.left_over())
            tell(f"decision, shapes: run {run + 1}/{repeats}")
    figures = []
    everything: dict[str, Times] = dict(alone.times)
    halves = [sum(both) for both in zip(*(times.p50() for times in alone.times.values()), strict=True)]
    for case in waited:
        if not case.times[STARTS_ONE].is_in_all(repeats):
            raise Unexpected(f"of {size} finishes none started exactly one function, with {case.mix.name}")
        one = case.times[STARTS_ONE]
        values = [us / half for us, half in zip(one.p50(), halves, strict=True)]
        series = alone.times | case.times
        note = (
            f"{said(series)}\nnodes still to be tried, after each run: {', '.join(map(str, left_over[case.mix.name]))}"
        )
        what = f"finish starts one, {case.mix.name}"
        figures.append(Figure(PART, what, values, "x", one.count(repeats - 1), note, STARTING_ONE, details(series)))
        everything |= {f"finish, {which}, {case.mix.name}": times for which, times in case.times.items()}
    return [*figures, slowest("p99 of all of these", everything, size)]
