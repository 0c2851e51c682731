"""All that clients, agents and rq's tools do, one method per operation, in the order in which its script decides.

What is due is noticed by every operation; the rest of the bookkeeping that scripts may leave to a later tick is done by
`tick`. Nothing here knows of budgets: the caller ticks until nothing is left over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from handoff.books.groups import groups
from handoff.words.capabilities import Capabilities
from handoff.words.constraints import Term
from handoff.words.function import Function
from handoff.words.resources import Number, Units, parse_cost
from handoff.words.variants import Variant
from support.agent import Result
from support.oracle.clock import Clock
from support.oracle.model import Claim, External, Job, ways_of


class Oracle(Clock):
    """A cluster of one namespace. Times are of `now_ms`, which the caller moves."""

    # Nodes.

    def register_node(self, name: str, capabilities: Capabilities, labels: Mapping[str, str]) -> bool:
        """-> False where an agent has the name."""
        self._begin()
        node = self.nodes.get(name)
        if node and node.kind == "leased" and node.up:
            return False
        self._come_up(name, "static", capabilities, labels)
        self.nodes[name].incarnation = ""
        return True

    def register(
        self,
        name: str,
        incarnation: str,
        capabilities: Capabilities,
        labels: Mapping[str, str],
        lease_ms: int,
        dead: str = "",
        external: External | None = None,
    ) -> bool:
        """-> False where another agent has the lease."""
        self._begin()
        node = self.nodes.get(name)
        if node and node.up and node.kind == "leased" and node.incarnation != incarnation:
            if node.incarnation != dead:
                return False
            self._lose(node)
        self._come_up(name, "leased", capabilities, labels, external)
        node = self.nodes[name]
        node.incarnation, node.lease_ms, node.lease_ends_ms = incarnation, lease_ms, self.now_ms + lease_ms
        return True

    def deregister(self, name: str, incarnation: str = "") -> bool:
        self._begin()
        node = self.nodes.get(name)
        if node is None or (incarnation and node.incarnation != incarnation):
            return False
        if node.up:
            self._lose(node)
        self._recover()
        self._forget(node)
        if not incarnation:
            self.drained.discard(name)
        return True

    def quiet(self, name: str, on: bool) -> None:
        self._begin()
        node = self.nodes[name]
        node.quiet = on
        if on:
            self._hand_back(node)
        else:
            self._open(node)
            self._settle()

    def drain(self, name: str, left_ms: float) -> bool:
        """-> False where no live node has that name."""
        self._begin()
        if name not in self.nodes or not self.nodes[name].up:
            return False
        node = self.nodes[name]
        node.draining = True
        self.drained.add(name)
        self._set_timer(f"drain|{name}", left_ms)
        self._hand_back(node)
        return True

    def undrain(self, name: str) -> bool:
        """-> False where no live node has that name, nor any that left while it was drained."""
        self._begin()
        was_drained = name in self.drained
        self.drained.discard(name)
        if name not in self.nodes:
            return was_drained
        node = self.nodes[name]
        if not node.up and not was_drained:
            return False
        node.draining = False
        self.timers.pop(f"drain|{name}", None)
        self._open(node)
        self._settle()
        return True

    def owns(self, name: str, incarnation: str) -> bool:
        """Whether the node is this agent's now."""
        self._begin()
        node = self.nodes.get(name)
        return node is not None and node.up and node.kind == "leased" and node.incarnation == incarnation

    def share(self, totals: Units) -> bool:
        """Set what all nodes share; 0 takes one away. -> False where a node has one of them for itself"""
        self._begin()
        new = {name for name, units in totals.items() if units and name not in self.shared.totals}
        if any(node.live and not new.isdisjoint(node.capabilities.units) for node in self.nodes.values()):
            return False
        self.overtaking.free(self.shared)
        self.overtaking.recall()
        self.shared.totals = {name: units for name, units in (self.shared.totals | totals).items() if units}
        for node in self.nodes.values():
            self._dirty(node)
        self._dirty(self.shared)
        self._settle()
        return True

    # Functions.

    def submit(
        self,
        id: str,
        variants: Sequence[Variant],
        *,
        terms: tuple[Term, ...] = (),
        priority: int = 0,
        retries: int = 0,
        strategy: str = "first_available",
        preferred: str = "",
        delay_ms: int = 0,
        wait_ms: float = math.inf,
        unfit_ms: float = math.inf,
    ) -> str:
        """-> the state of its verdict, or "duplicate", or "raised": an `unfit_ms` of 0 is not to wait at all."""
        known = self.jobs.get(id)
        if known is not None and known.state != "gone":
            return "duplicate"
        self._begin()
        self._settle()
        ways = ways_of(variants, terms)
        job = Job(id, ways, (-priority, self._submitted), retries, strategy, wait_ms, unfit_ms)
        if unfit_ms == 0 and not self._could_run(job):
            return "raised"
        self._submitted += 1
        self.jobs[id] = job
        if delay_ms:
            job.state, job.due_ms = "delayed", self.now_ms + delay_ms
            return "delayed"
        self._get_ready(job, preferred)
        if job.state == "queued":
            return "placed"
        return "waiting" if self._could_run(job) else "infeasible"

    def finish(self, name: str, results: Sequence[tuple[Job, Result]], room: int) -> tuple[list[str], list[Job]]:
        """-> what became of each result, and what was started."""
        node = self.nodes[name]
        self._begin()
        outcomes = [self._end(node, job, result) for job, result in results]
        self._wake(node)
        self._settle()
        started: list[Job] = []
        while len(started) < room and node.queue:
            job = node.queue.pop(0)
            if job.state == "queued":
                job.state, job.attempts, job.evicted = "started", job.attempts + 1, False
                self.timers.pop(f"expire|{job.id}", None)
                node.running.append(job)
                started.append(job)
        return outcomes, started

    def cancel(self, id: str) -> bool:
        """-> whether this call decided."""
        self._begin()
        job = self.jobs.get(id)
        if job is None or job.state not in ("waiting", "delayed", "queued", "started") or job.marked:
            return False
        if job.state == "started":
            job.marked = True
            return True
        self._end_before_start(job, "canceled")
        self._settle()
        return True

    def beat(self, name: str, runs: Iterable[Job], external: External | None = None) -> set[Job]:
        """-> what the agent is to stop."""
        self._begin()
        node = self.nodes[name]
        node.lease_ends_ms = self.now_ms + node.lease_ms
        self._hear_external(node, external)
        self._wake(node)
        return self._reconcile(node, list(runs))

    # Claims.

    def request(self, id: str, name: str, cost: Mapping[str, Number], ttl_ms: float = math.inf) -> Claim | Units | None:
        """-> the claim, or what is missing, or None where no live node has that name."""
        self._begin()
        self._end_claims()
        node = self.nodes.get(name)
        units = parse_cost(cost)
        if node is None or not node.up:
            return None
        if not self._fits(node, units):
            return self._short(node, units)
        claim = self.claims[id] = Claim(id, name, units, self.now_ms + ttl_ms)
        self._hold(node, claim, units)
        return claim

    def allocate(self, functions: Sequence[Function]) -> dict[str, Claim] | None:
        """-> by function a claim that has yet to get its id, or None where one of them fits nowhere."""
        self._begin()
        self._end_claims()
        made: dict[str, Claim] = {}
        for group in groups(functions):
            if not self._claim_together(group, made):
                for claim in reversed(made.values()):
                    self._give_back(self.nodes[claim.node], claim)
                return None
        return made

    def fits(self, name: str, cost: Mapping[str, Number]) -> bool:
        """-> whether `request` would succeed now."""
        self._begin()
        self._end_claims()
        return name in self.nodes and self._fits(self.nodes[name], parse_cost(cost))

    def release(self, id: str) -> bool:
        self._begin()
        self._end_claims()
        claim = self.claims.get(id)
        released = claim is not None and self.nodes[claim.node].up
        if claim is not None and released:
            node = self.nodes[claim.node]
            self._drop_claim(claim)
            self._wake(node)
        self._settle()
        return released

    # What rq's tools do.

    def rq_cancels(self, job: Job) -> None:
        """rq's `job.cancel()`: the status, and off the queue."""
        self._take_off_queue(job)
        job.state = "canceled"
        self._touch(job)

    def rq_deletes(self, job: Job, *, off_queue: bool = True) -> None:
        """rq's `job.delete()`; not `off_queue`: the hash alone."""
        if off_queue:
            self._take_off_queue(job)
        job.state = "gone"
        self._touch(job)

    def rq_empties(self, name: str) -> None:
        """rq's `queue.empty()`."""
        for job in list(self.nodes[name].queue):
            if job.state == "queued":
                self.rq_deletes(job)
        self.nodes[name].queue.clear()

    def rq_unqueues(self, job: Job) -> None:
        """Off the queue, while the job goes on to say that it is queued."""
        self._take_off_queue(job)
        self.touched.add(job)

    def is_traced(self, job: Job) -> bool:
        """Whether the books of a node still hold what rq's tools took away."""
        if job.state == "queued" and job in self.nodes[job.node].queue:
            return False
        return any(job in node.holds or job in node.running or job in node.queue for node in self.nodes.values())
