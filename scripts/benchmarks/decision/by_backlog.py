"""Joining a shape that waits, and finish that starts nothing, with few and with a million functions that wait."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice, product

from benchmarks.decision.bars import BY_BACKLOG, BYTES_WAITING, PART, growth, slowest
from benchmarks.decision.bulk import Call
from benchmarks.decision.meter import Times
from benchmarks.decision.scene import Capabilities, Cost, Scene
from benchmarks.figures import Figure

SHAPES: tuple[Cost, ...] = tuple(
    {"cpu": cpu, "memory": memory} | ({"gpu": gpu} if gpu else {})
    for cpu, memory, gpu in product((1, 2, 4, 8), (1_000, 2_000, 4_000, 8_000, 16_000), (0, 1))
)
"""Of these something waits; every node could hold each of them."""

NODES = 100
PEBBLE: Cost = {"cpu": 0.5, "memory": 50}
FILLER: Cost = {"cpu": 16, "memory": 64_000, "gpu": 4}
NODE: Capabilities = {"cpu": 16.5, "memory": 64_050, "gpu": [0, 1, 2, 3], "slots": 64}
"""Full of one FILLER and one PEBBLE, which leaves less than any shape needs of anything."""

TIGHT_NODES = 20
TIGHT_FILLER: dict[str, float] = {"cpu": 16, "memory": 50, "gpu": 4}
TIGHT: Capabilities = {**TIGHT_FILLER, "gpu": [0, 1, 2, 3], "slots": 64}
"""What runs here leaves cpu and gpu for every shape and memory for none, so that each has to be looked at."""

JOINS = "submit that joins its shape"
FITS_NONE = "finish, room for no shape"
LOOKS_AT_ALL = "finish, every shape looked at"

ROUND = 8
AT_ONCE = 100_000
"""Functions submitted between two words on how far it is."""

SAMPLED = 400
"""Job hashes whose memory is measured."""

WORTH_WEIGHING = 10_000
"""With fewer that wait, buffers and tables of the server outweigh what they take."""


class _Case:
    """One saturated cluster with so many functions that wait."""

    def __init__(self, scene: Scene, waiting: int) -> None:
        self.scene, self.waiting = scene, waiting
        self.times: dict[str, Times] = defaultdict(Times)
        self.chance = random.Random(waiting)
        self.joins = [scene.submitting(cost) for cost in SHAPES]
        self.running: dict[str, str] = {}  # node -> reservation

    def prepare(self) -> None:
        """Fill all nodes; nothing waits yet."""
        nodes = [f"node{number}" for number in range(NODES)]
        tight = [f"tight{number}" for number in range(TIGHT_NODES)]
        self.scene.register(dict.fromkeys(nodes, NODE) | dict.fromkeys(tight, TIGHT))
        for node in nodes:
            self.scene.lay(node, FILLER)
            self.running[node] = self.scene.lay(node, PEBBLE)
        for node in tight:
            self.running[node] = self.scene.lay(node, TIGHT_FILLER)
        self.scene.age(SHAPES[0])

    def fill(self, tell: Callable[[str], None]) -> float | None:
        """Let functions wait. -> bytes of ledger for each of them, None where they are too few to tell"""
        client = self.scene.cluster.connection
        before = client.info("memory")["used_memory"]
        jobs = []
        submits = self.scene.submit_all((self._any() for _ in range(self.waiting)), tag=b"waiting")
        every = max(1, self.waiting // SAMPLED)
        while slice_ := list(islice(submits, AT_ONCE)):
            jobs += [id for id, _ in slice_[::every]]
            tell(f"{self.scene.waiting():,} of {self.waiting:,} wait")
        if self.waiting < WORTH_WEIGHING:
            return None
        store = self.scene.store
        taken: int = client.info("memory")["used_memory"] - before
        own: list[int] = [store.read("MEMORY", "USAGE", store.keys("rq_job", id), "SAMPLES", 0) for id in jobs]
        return taken / self.waiting - sum(own) / len(own)

    def round(self, run: int) -> None:
        """Time a few of each; afterwards all is as it was."""
        for _ in range(ROUND):
            self._finish(run, FITS_NONE, f"node{self.chance.randrange(NODES)}", PEBBLE)
        for _ in range(ROUND):
            self._finish(run, LOOKS_AT_ALL, f"tight{self.chance.randrange(TIGHT_NODES)}", TIGHT_FILLER)
        # Where nothing waits, one of each shape has to, for the others to join it.
        heads = [] if self.waiting else [id for id, _ in self.scene.submit_all(self.joins, tag=b"waiting")]
        for _ in range(ROUND):
            id, us = self.scene.submit(self._any(), "waiting")
            self.times[JOINS].add(run, us)
            self.scene.cancel(id)
        self.scene.cancel_all(heads)

    def _finish(self, run: int, what: str, node: str, cost: Cost) -> None:
        self.times[what].add(run, self.scene.finish(node, self.running[node]))
        self.running[node] = self.scene.lay(node, cost)

    def _any(self) -> Call:
        return self.chance.choice(self.joins)


def measure(levels: Sequence[int], size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure each operation `size` times a run at each number of functions that wait, a few at a time in turn."""
    bytes_each = {}
    with ExitStack() as stack:
        cases = {level: _Case(stack.enter_context(Scene()), level) for level in levels}
        for level, case in cases.items():
            case.prepare()
            weight = case.fill(lambda what: tell(f"decision, backlog: {what}"))
            if weight is not None:
                bytes_each[f"{level:,}"] = weight
        for run in range(repeats):
            for _ in range(-(-size // ROUND)):
                for case in cases.values():
                    case.round(run)
            tell(f"decision, backlog: run {run + 1}/{repeats}")
    figures = []
    everything: dict[str, Times] = {}
    for what in cases[levels[0]].times:
        series = {f"{level:,}": case.times[what] for level, case in cases.items()}
        figures.append(growth(what, series, size, BY_BACKLOG))
        everything |= {f"{what}, {name} waiting": times for name, times in series.items()}
    figures.append(slowest("p99 of all of these", everything, size))
    lines = [
        f"{len(SHAPES)} shapes; besides the job's hash",
        *(f"{name}: {own:,.0f}" for name, own in bytes_each.items()),
    ]
    note = "\n".join(lines)
    weights = [*bytes_each.values()]
    figures.append(Figure(PART, "memory of one that waits", weights, "B", levels[-1], note, BYTES_WAITING))
    return figures
