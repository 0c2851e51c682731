"""Who is placed at once, who waits, and who starts when there is room."""

from __future__ import annotations

import math

from support.oracle.holding import Holding
from support.oracle.model import Job, Node, Way, by_rank
from support.oracle.overtaking import Line

MOST_WOKEN = 8
"""Where room may be enough for more lines than that, its node is tried with all that waits."""


class Placing(Holding):
    """Places functions strictly by rank."""

    def _get_ready(self, job: Job, preferred: str = "") -> None:
        self._set_timer(f"expire|{job.id}", job.wait_ms if job.attempts == 0 else math.inf)
        self._admit(job, preferred)

    def _admit(self, job: Job, preferred: str = "") -> None:
        """Place it where it fits, unless functions of its shape wait already."""
        at_once = [way for way in job.ways if not way.after_ms]
        for way in at_once:
            node = self._choose(job, way, preferred) if self.overtaking.may_fit(way, job) else None
            if node is not None:
                self._place(job, node, way)
                return
        job.state = "waiting"
        self.overtaking.waiting.add(job)
        for number, way in enumerate(job.ways):
            if way.after_ms:
                self._set_timer(f"after|{number + 1}|{job.id}", way.after_ms)
            else:
                self._join(job, way)
        self._look_at_fitness(job)

    def _join(self, job: Job, way: Way) -> None:
        job.joined = [each for each in job.ways if each in (*job.joined, way)]
        self.overtaking.join(job, way, self.now_ms)

    def _join_late(self, job: Job, way: Way) -> None:
        """It has waited for this one for long enough."""
        node = self._choose(job, way) if self.overtaking.may_fit(way, job) else None
        if node is not None:
            self._place(job, node, way)
        else:
            self._join(job, way)

    def _stop_waiting(self, job: Job) -> None:
        job.joined = []
        self.timers.pop(f"unfit|{job.id}", None)
        for number in range(len(job.ways)):
            self.timers.pop(f"after|{number + 1}|{job.id}", None)
        self.overtaking.leave(job, self.now_ms)

    def _look_at_fitness(self, job: Job) -> None:
        job.unfit = not self._could_run(job)
        self._set_timer(f"unfit|{job.id}", job.unfit_ms or math.inf)

    def _place(self, job: Job, node: Node, way: Way) -> None:
        has_waited = job.state == "waiting"
        self._stop_waiting(job)
        job.state, job.node, job.way = "queued", node.name, job.ways.index(way)
        job.devices = self._hold(node, job, way.cost).devices
        node.queue.append(job)
        self.overtaking.count(job, way.cost, has_waited=has_waited)

    def _waiting(self) -> list[Job]:
        """By rank."""
        return by_rank(job for job in self.jobs.values() if job.state == "waiting")

    def _wake(self, node: Node) -> None:
        """Start what fits into the room that a node has got since this operation began, strictly by rank."""
        if not node.open:
            return
        lines = [line for line in self.overtaking.lines.values() if self._has_grown_enough(node, line.way)]
        node.was = [node.books.copy()]
        if len(lines) > MOST_WOKEN:
            self._fill(node)
            return
        while startable := [line.jobs[0] for line in lines if line.jobs and self._takes_head(node, line)]:
            self._start_on(node, by_rank(startable)[0])
        node.was = [node.books.copy()]

    def _has_grown_enough(self, node: Node, way: Way) -> bool:
        """Whether there is enough of something now and was not before. Nobody looks at what is pinned elsewhere."""
        return way.pin in (None, node.name) and any(
            any(was.short({name: units}) for was in node.was) and not node.books.short({name: units})
            for name, units in way.cost.items()
        )

    def _takes_head(self, node: Node, line: Line) -> bool:
        return node.allows(line.way) and self._fits(node, line.way.cost, line.jobs[0])

    def _fill(self, node: Node) -> None:
        """Start all that fits a node, strictly by rank."""
        while startable := [job for job in self._waiting() if self._ways_onto(job, node)]:
            self._start_on(node, startable[0])
        node.was = [node.books.copy()]

    def _start_on(self, node: Node, job: Job) -> None:
        """If it takes what is shared and came free, those in front of it are tried on all nodes before."""
        takes = self.shared.part(self._ways_onto(job, node)[0].cost)
        if takes and self.shared.name in self.overtaking.dirty:
            self._fill_any(in_front_of=job)
        if ways := self._ways_onto(job, node):
            self._place(job, node, ways[0])

    def _fill_any(self, in_front_of: Job | None = None) -> None:
        """Start those that what is shared newly suffices for, wherever they fit, strictly by rank."""
        for job in self._waiting():
            if in_front_of is not None and job.rank >= in_front_of.rank:
                return
            if any(self.shared.part(way.cost) and self._has_shared(way.cost, job) for way in job.joined):
                placed = ((self._choose(job, way), way) for way in job.joined)
                node, way = next(((node, way) for node, way in placed if node is not None), (None, None))
                if node is not None and way is not None:
                    self._place(job, node, way)
        self.overtaking.dirty.discard(self.shared.name)
