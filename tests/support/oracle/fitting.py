"""What fits where, and what is missing there: the oracle's lowest part."""

from __future__ import annotations

import math

from handoff.words.resources import Units
from support.oracle.model import Claim, Job, Node, Shared, Way
from support.oracle.overtaking import Overtaking


class Fitting:
    """What there is, and what of it is free to whom. Times are of `now_ms`, which the caller moves."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.nodes: dict[str, Node] = {}
        self.shared = Shared()
        self.jobs: dict[str, Job] = {}
        self.claims: dict[str, Claim] = {}
        self.overtaking = Overtaking(self.nodes, self.shared)
        self.touched: set[Job] = set()  #: by rq's tools, and something of them may be left in the books
        self.drained: set[str] = set()  #: names of nodes, also of those that left meanwhile
        self.timers: dict[str, float] = {}  #: what becomes due -> when
        self._submitted = 0

    def _fits(self, node: Node, cost: Units, job: Job | None = None) -> bool:
        """Whether the node takes a cost now, for a function or (None) a claim."""
        return (
            node.open
            and node.books.fits(self.shared.rest(cost))
            and not (node.promise and node.promise.bars(cost, job))
            and self._has_shared(cost, job)
        )

    def _has_shared(self, cost: Units, job: Job | None) -> bool:
        """Whether what it takes of what is shared is there for it."""
        part = self.shared.part(cost)
        return not self.shared.short(part) and not (self.shared.promise and self.shared.promise.bars(part, job))

    def _short(self, node: Node, cost: Units) -> Units:
        """What is missing for a claim. All that it wants of what is held for a function."""
        missing = node.books.short(self.shared.rest(cost)) | self.shared.short(self.shared.part(cost))
        for place, part in ((node, self.shared.rest(cost)), (self.shared, self.shared.part(cost))):
            for name, units in part.items():
                if place.promise and place.promise.bars([name], None):
                    missing[name] = node.books.short({}).get(name, 0) + units
        return missing

    def _ways_onto(self, job: Job, node: Node) -> list[Way]:
        return [way for way in job.joined if node.allows(way) and self._fits(node, way.cost, job)]

    def _choose(self, job: Job, way: Way, preferred: str = "") -> Node | None:
        nodes = [node for node in self.nodes.values() if node.allows(way) and self._fits(node, way.cost, job)]
        if job.strategy == "load_balanced":
            nodes.sort(key=lambda node: -node.spare())
        return min(nodes, key=lambda node: (node.name == job.shunned, node.name != preferred), default=None)

    def _could_run(self, job: Job) -> bool:
        """Whether any live node could hold it when idle."""
        return any(self._could_hold(node, way) for node in self.nodes.values() for way in job.ways)

    def _could_hold(self, node: Node, way: Way) -> bool:
        totals = self.shared.totals
        enough = all(units <= totals[name] for name, units in self.shared.part(way.cost).items())
        return enough and node.live and node.allows(way) and node.idle().fits(self.shared.rest(way.cost))

    def _set_timer(self, what: str, left_ms: float) -> None:
        """None at all if that is for ever."""
        self.timers.pop(what, None)
        if left_ms < math.inf:
            self.timers[what] = self.now_ms + left_ms

    def _dirty(self, place: Node | Shared) -> None:
        self.overtaking.dirty.add(place.name)
