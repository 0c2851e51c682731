"""Bounded overtaking in plain Python: who stands in which line, how often its head was overtaken, what is held for it.

Part of the oracle. Exact where every node is compared, which is up to eight.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from handoff.words.resources import SLOTS, Units
from support.oracle.model import Job, Node, Promise, Shared, Way, family

MOST_HELD = 64
"""As many nodes as that are held at a time; only so many heads, the first by rank, are ever asked about."""

AT_A_TIME = 8
"""Heads that are looked at in one go."""

MOST_TRIES = 3
"""Of these, for so many a node is looked for after one placement."""


@dataclass(slots=True)
class Line:
    """Those who wait for the same, first come first."""

    way: Way
    jobs: list[Job] = field(default_factory=list)
    #: When its head came to stand there: what had been counted, its place among all that waited, and how many had left.
    noted: Counter[str] = field(default_factory=Counter)
    place: int = 0
    gone: int = 0
    looked: int = 0  #: the count of all placements at which its head was last taken for not overtaken
    late_ms: int = 0  #: when its head came to stand there, or was last found to wait for too long
    is_behind: bool = False  #: no open node could hold it: nobody is asked about it before others

    def families(self) -> set[str]:
        return {family(name) for name in self.way.cost}


class Overtaking:
    """All lines of a cluster, and which nodes are held for whom."""

    def __init__(self, nodes: dict[str, Node], shared: Shared) -> None:
        self.most: int | None = 100
        self.longest_ms: int | None = 60_000
        self.waiting: set[Job] = set()  #: also those that stand in no line yet
        self.lines: dict[str, Line] = {}  #: by shape
        self.counted: Counter[str] = Counter()  #: placements that overtook somebody, by family that they used
        self.gone = 0  #: how many waited, and left without overtaking anybody
        self.dirty: set[str] = set()  #: names of nodes to be tried with all that waits
        self._nodes, self._shared = nodes, shared

    def join(self, job: Job, way: Way, now_ms: int) -> None:
        line = self.lines.setdefault(way.shape, Line(way))
        if job not in line.jobs:
            line.jobs = sorted([*line.jobs, job], key=lambda each: each.rank)
            if line.jobs[0] is job:
                self._note_head(line, now_ms)

    def leave(self, job: Job, now_ms: int) -> None:
        """Wait no more, in any line; nothing is held for it any more."""
        self.waiting.discard(job)
        for shape, line in list(self.lines.items()):
            if job not in line.jobs:
                continue
            was_head = line.jobs[0] is job
            line.jobs.remove(job)
            if not line.jobs:
                del self.lines[shape]
            elif was_head:
                self._note_head(line, now_ms)
        for place in self.held():
            if place.promise and place.promise.job is job:
                self.free(place)

    def may_fit(self, way: Way, job: Job) -> bool:
        """Whether it is of any use to look for room: what stands in line already fits nowhere, unless it is barred."""
        line = self.lines.get(way.shape)
        return line is None or (bool(self.held()) and line.jobs[0].rank > job.rank)

    def held(self) -> list[Node | Shared]:
        """What is held for somebody."""
        places: list[Node | Shared] = [*self._nodes.values(), self._shared]
        return [place for place in places if place.promise]

    def free(self, place: Node | Shared) -> None:
        """Hold it no more."""
        if place.promise:
            place.promise = None
            self.dirty.add(place.name)

    def count(self, job: Job, cost: Units, *, has_waited: bool) -> None:
        """It was placed: if another waits that came before it, it has overtaken that one."""
        if all(other.rank > job.rank for other in self.waiting):
            self.gone += has_waited and bool(self.waiting)
            return
        self.counted.update(family(name) for name in cost)
        fronts = self._fronts()
        windows = math.ceil(len(fronts) / AT_A_TIME)
        begin = self.counted[SLOTS] % windows * AT_A_TIME if windows else 0
        tries = 0
        for line in fronts[begin : begin + AT_A_TIME]:
            if tries < MOST_TRIES and self.most is not None and self.counted[SLOTS] - line.looked >= self.most:
                tries += self._consider(line, is_late=False)

    def consider_late(self, now_ms: int) -> bool:
        """-> whether there may be more of them."""
        longest_ms = math.inf if self.longest_ms is None else self.longest_ms
        late = [line for line in self._fronts() if now_ms - line.late_ms >= longest_ms]
        for line in late[:AT_A_TIME]:
            self._consider(line, is_late=True)
            line.late_ms = now_ms
        return len(late) >= AT_A_TIME

    def recall(self) -> None:
        """A node has opened: for all that stand behind others it may be the one that could hold it."""
        for line in self.lines.values():
            line.is_behind = False

    def _fronts(self) -> list[Line]:
        """The lines that are looked at, by rank of their heads."""
        lines = self.lines.values()
        return sorted(lines, key=lambda line: (line.is_behind, line.jobs[0].rank, line.way.shape))[:MOST_HELD]

    def _note_head(self, line: Line, now_ms: int) -> None:
        line.noted, line.place, line.gone = self.counted.copy(), self._place(line.jobs[0]), self.gone
        line.looked, line.late_ms, line.is_behind = self.counted[SLOTS], now_ms, False

    def _place(self, job: Job) -> int:
        """How many wait in front of it."""
        return sum(other.rank < job.rank for other in self.waiting)

    def _overtakes(self, line: Line) -> dict[str, int]:
        """How often a head was overtaken, by family that was used.

        Of what was counted, as much was in front of it as its place has moved up by others than those who just left.
        """
        moved = max(0, line.place - self._place(line.jobs[0]) - (self.gone - line.gone))
        return {name: max(0, self.counted[name] - line.noted[name] - moved) for name in line.families()}

    def _consider(self, line: Line, *, is_late: bool) -> bool:
        """Ask whether the head of a line was overtaken often enough, or waits for too long. -> whether it may be"""
        most = max(self._overtakes(line).values())
        is_due = is_late or (self.most is not None and most >= self.most)
        if is_due:
            most = self._try_to_hold(line, is_late=is_late)
        line.looked = self.counted[SLOTS] - most
        return is_due

    def _try_to_hold(self, line: Line, *, is_late: bool) -> int:
        """Hold a node for the head of a line if what it lacks there was used by others. -> how often that was"""
        job, way, overtakes = line.jobs[0], line.way, self._overtakes(line)
        own = next((node for node in self._nodes.values() if node.promise and node.promise.job is job), None)
        if own is None and not self._may_hold(job):
            return 0
        able = self._able(way)
        line.is_behind = not able
        # Where something is held for it already it goes on there, or nowhere.
        node = self._nearest(way, job, able) if own is None else own if own in able else None
        if node is None:
            return 0
        lacks = node.books.short(self._shared.rest(way.cost))
        tokens = self._shared.short(self._shared.part(way.cost))
        most = max((overtakes[family(name)] for name in (*lacks, *tokens)), default=0)
        if not is_late and self.most is not None and most < self.most:
            return most
        self._hold(node, job, lacks)
        self._hold(self._shared, job, tokens)
        return 0

    def _able(self, way: Way) -> list[Node]:
        """The open nodes that could hold it when idle."""
        totals, cost = self._shared.totals, self._shared.rest(way.cost)
        if any(units > totals[name] for name, units in self._shared.part(way.cost).items()):
            return []
        return [node for node in self._nodes.values() if node.open and node.allows(way) and node.idle().fits(cost)]

    def _nearest(self, way: Way, job: Job, able: Iterable[Node]) -> Node | None:
        """Of those that are not held the one that lacks least. Who is pinned takes over what a later one has."""
        cost = self._shared.rest(way.cost)
        free = [node for node in able if node.promise is None or (way.pin and job.rank < node.promise.job.rank)]
        return min(free, key=lambda node: _distance(node, cost), default=None)

    def _hold(self, place: Node | Shared, job: Job, lacks: Iterable[str]) -> None:
        families = frozenset(family(name) for name in lacks)
        if not families or (place.promise and place.promise.job.rank < job.rank):
            return
        if place.promise and place.promise.job is job:
            place.promise = Promise(job, families | place.promise.lacks)
            return
        self.free(place)
        if place is self._shared or self._may_hold(job):
            for last in self._last_held() if place is not self._shared else ():
                self.free(last)
            place.promise = Promise(job, families)

    def _may_hold(self, job: Job) -> bool:
        """Whether one more node may be held, or an earlier function takes that of the latest one."""
        return all(node.promise is None or node.promise.job.rank > job.rank for node in self._last_held())

    def _last_held(self) -> list[Node]:
        """What is to be freed before another node is held."""
        live = sum(node.live for node in self._nodes.values())
        held = [(node.promise.job.rank, node.name, node) for node in self._nodes.values() if node.promise]
        if len(held) < min(MOST_HELD, math.ceil(live / 2)):
            return []
        return [node for _, _, node in sorted(held)[-1:]]


def _distance(node: Node, cost: Units) -> tuple[int, float]:
    """How many resources are short, and what part of what is wanted is missing."""
    short = node.books.short(cost)
    return len(short), sum(short.get(name, 0) / units for name, units in sorted(cost.items()))
