"""What becomes due by the clock alone."""

from __future__ import annotations

import math

from support.oracle.coming import Coming
from support.oracle.model import Job, Node, by_rank

FORGET_LOST_MS = 3_600_000


class Clock(Coming):
    """Ends waits, delays and claims whose time has come."""

    def tick(self) -> None:
        """Whatever is due, until nothing is left over."""
        is_left = True
        while is_left:
            self._begin()
            self._end_claims()
            self._end_timers()
            self._end_delays()
            is_left = self.overtaking.consider_late(self.now_ms)
            self._settle()
            for node in list(self.nodes.values()):
                if not node.up and node.lost_ms <= self.now_ms - FORGET_LOST_MS:
                    self._forget(node)
                elif node.up and node.kind == "static":
                    self._reconcile(node, None)
            is_left = is_left or bool(self.overtaking.dirty)

    def _end_claims(self) -> None:
        due = [claim for claim in self.claims.values() if claim.ends_ms <= self.now_ms]
        for claim in sorted(due, key=lambda claim: (claim.ends_ms, claim.id)):
            node = self.nodes[claim.node]
            self._drop_claim(claim)
            self._wake(node)

    def _end_timers(self) -> None:
        """As they became due; at the same moment of functions by rank, each by preference, then of nodes."""
        for what, at_ms in sorted(self.timers.items(), key=lambda timer: (timer[1], self._turn_of_timer(timer[0]))):
            if at_ms <= self.now_ms and self.timers.pop(what, None) is not None:
                kind, *number, of = what.split("|")
                if kind == "drain":
                    self._evict(self.nodes[of])
                else:
                    self._end_wait(kind, self.jobs[of], *map(int, number))

    def _turn_of_timer(self, what: str) -> tuple[tuple[float, ...], str, list[int], str]:
        kind, *number, of = what.split("|")
        rank = (math.inf,) if kind == "drain" else self.jobs[of].rank
        return rank, kind, [int(each) for each in number], of

    def _end_wait(self, kind: str, job: Job, number: int = 0) -> None:
        if kind == "expire" and job.state in ("waiting", "queued"):
            self._end_before_start(job, "failed", "WaitExpired")
        elif kind == "after" and job.state == "waiting":
            self._join_late(job, job.ways[number - 1])
        elif kind == "unfit" and job.state == "waiting":
            was_unfit = job.unfit
            self._look_at_fitness(job)
            if was_unfit and job.unfit:
                self._end_before_start(job, "failed", "Infeasible")

    def _evict(self, node: Node) -> None:
        """What still runs there is to be stopped."""
        for job in node.running:
            job.evicted = node.draining and job.state == "started"

    def _end_delays(self) -> None:
        due = [job for job in self.jobs.values() if job.state == "delayed" and job.due_ms <= self.now_ms]
        for job in by_rank(due):
            self._get_ready(job)
