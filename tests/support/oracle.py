"""What the ledger must decide, in plain Python: who stands where, on which node, with which devices.

One method per operation, in the order in which its script decides. What is due is noticed by every operation; the
rest of the bookkeeping that scripts may leave to a later tick is done by `tick`. Nothing here knows of budgets: the
caller ticks until nothing is left over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from handoff.allocator import candidates, groups
from handoff.books import Books, Devices
from handoff.function import Function
from handoff.resources import SLOTS, UNIT, UNLIMITED, Capabilities, Number, Units, parse_capabilities, parse_cost
from support.agent import Result

FORGET_LOST_MS = 3_600_000


@dataclass(eq=False, slots=True)
class Job:
    """One function."""

    id: str
    cost: Units
    pin: str
    rank: tuple[int, int]
    retries: int
    state: str = "new"  #: API's word, or "gone" once rq's tools deleted it
    node: str = ""
    devices: Devices = field(default_factory=dict)
    attempts: int = 0
    due_ms: int = 0
    marked: bool = False  #: canceled while it ran


@dataclass(eq=False, slots=True)
class Claim:
    """One claim through the tracker."""

    id: str
    node: str
    cost: Units
    ends_ms: float


@dataclass(eq=False, slots=True)
class Node:
    """One node."""

    name: str
    kind: str = "static"
    incarnation: str = ""
    lease_ms: int = 0
    lease_ends_ms: int = 0
    up: bool = False
    quiet: bool = False
    lost_ms: int = 0
    emptied: bool = True  #: of what it held when it was lost
    capabilities: Capabilities = field(default_factory=lambda: Capabilities({}))
    books: Books = field(default_factory=lambda: Books({}, {}))
    queue: list[Job] = field(default_factory=list)
    running: list[Job] = field(default_factory=list)
    holds: dict[Job | Claim, Devices] = field(default_factory=dict)

    def fits(self, cost: Units) -> bool:
        return self.up and not self.quiet and self.books.fits(cost)

    def hold(self, owner: Job | Claim) -> Devices:
        self.holds[owner] = self.books.take(owner.cost)
        return self.holds[owner]

    def give_back(self, owner: Job | Claim) -> None:
        self.books.give_back(owner.cost, self.holds.pop(owner))

    def change(self, capabilities: Capabilities) -> None:
        self.books.change(self.capabilities, capabilities)
        self.capabilities = capabilities


class Oracle:
    """A cluster of one namespace. Times are of `now_ms`, which the caller moves."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.nodes: dict[str, Node] = {}
        self.jobs: dict[str, Job] = {}
        self.claims: dict[str, Claim] = {}
        self.touched: set[Job] = set()  #: by rq's tools, and something of them may be left in the books
        self._submitted = 0

    # Nodes.

    def register_node(self, name: str, capabilities: Mapping[str, Number | Sequence[int]]) -> bool:
        """-> False where an agent has the name."""
        self._lapse()
        node = self.nodes.get(name)
        if node and node.kind == "leased" and node.up:
            return False
        self._come_up(name, "static", capabilities)
        self.nodes[name].incarnation = ""
        return True

    def register(
        self,
        name: str,
        incarnation: str,
        capabilities: Mapping[str, Number | Sequence[int]],
        lease_ms: int,
        dead: str = "",
    ) -> bool:
        """-> False where another agent has the lease."""
        self._lapse()
        node = self.nodes.get(name)
        if node and node.up and node.kind == "leased" and node.incarnation != incarnation:
            if node.incarnation != dead:
                return False
            self._lose(node)
        self._come_up(name, "leased", capabilities)
        node = self.nodes[name]
        node.incarnation, node.lease_ms, node.lease_ends_ms = incarnation, lease_ms, self.now_ms + lease_ms
        return True

    def deregister(self, name: str, incarnation: str = "") -> bool:
        self._lapse()
        node = self.nodes.get(name)
        if node is None or (incarnation and node.incarnation != incarnation):
            return False
        if node.up:
            self._lose(node)
        self._recover()
        del self.nodes[name]
        return True

    def quiet(self, name: str, on: bool) -> None:
        node = self.nodes[name]
        node.quiet = on
        if on:
            queued, node.queue = node.queue, []
            for job in _by_rank(job for job in queued if job.state == "queued"):
                node.give_back(job)
                self._admit(job)
        else:
            self._recover()
            self._fill(node)

    def owns(self, name: str, incarnation: str) -> bool:
        """Whether the node is this agent's now."""
        self._lapse()
        node = self.nodes.get(name)
        return node is not None and node.up and node.kind == "leased" and node.incarnation == incarnation

    # Functions.

    def submit(
        self,
        id: str,
        cost: Mapping[str, Number],
        *,
        pin: str = "",
        priority: int = 0,
        retries: int = 0,
        preferred: str = "",
    ) -> str:
        """-> the state of its verdict, or "duplicate"."""
        known = self.jobs.get(id)
        if known is not None and known.state != "gone":
            return "duplicate"
        self._lapse()
        self._recover()
        self._submitted += 1
        job = self.jobs[id] = Job(id, _with_slot(cost), pin, (-priority, self._submitted), retries)
        self._admit(job, preferred)
        if job.state == "queued":
            return "placed"
        could_hold = (
            node for node in self.nodes.values() if node.up and pin in ("", node.name) and _idle(node).fits(job.cost)
        )
        return "waiting" if any(could_hold) else "infeasible"

    def finish(self, name: str, results: Sequence[tuple[Job, Result]], room: int) -> tuple[list[str], list[Job]]:
        """-> what became of each result, and what was started."""
        node = self.nodes[name]
        outcomes = [self._end(node, job, result) for job, result in results]
        self._fill(node)
        self._recover()
        started: list[Job] = []
        while len(started) < room and node.queue:
            job = node.queue.pop(0)
            if job.state == "queued":
                job.state, job.attempts = "started", job.attempts + 1
                node.running.append(job)
                started.append(job)
        return outcomes, started

    def cancel(self, id: str) -> bool:
        """-> whether this call decided."""
        self._lapse()
        job = self.jobs.get(id)
        if job is None or job.state not in ("waiting", "delayed", "queued", "started") or job.marked:
            return False
        if job.state == "started":
            job.marked = True
            return True
        if job.state == "queued":
            node = self.nodes[job.node]
            self._take_off_queue(job)
            node.give_back(job)
            self._fill(node)
        job.state = "canceled"
        self._recover()
        return True

    def beat(self, name: str, runs: Iterable[Job]) -> set[Job]:
        """-> what the agent is to stop."""
        node = self.nodes[name]
        node.lease_ends_ms = self.now_ms + node.lease_ms
        return self._reconcile(node, list(runs))

    # Claims.

    def request(self, id: str, name: str, cost: Mapping[str, Number], ttl_ms: float = math.inf) -> Claim | Units | None:
        """-> the claim, or what is missing, or None where no live node has that name."""
        self._lapse()
        self._end_claims()
        node = self.nodes.get(name)
        units = parse_cost(cost)
        if node is None or not node.up:
            return None
        if not node.fits(units):
            return node.books.short(units)
        claim = self.claims[id] = Claim(id, name, units, self.now_ms + ttl_ms)
        node.hold(claim)
        return claim

    def allocate(self, functions: Sequence[Function]) -> dict[str, Claim] | None:
        """-> by function a claim that has yet to get its id, or None where one of them fits nowhere."""
        self._lapse()
        self._end_claims()
        trial = {node.name: node.books.copy() for node in self.nodes.values() if node.up and not node.quiet}
        made: dict[str, tuple[Claim, Devices]] = {}
        for group in groups(functions):
            for name in candidates(group, trial):
                if (taken := trial[name].take_all(group.costs)) is not None:
                    for member, cost, devices in zip(group.members, group.costs, taken, strict=True):
                        made[member.id] = Claim("", name, cost, math.inf), devices
                    break
            else:
                return None
        for claim, devices in made.values():
            self.nodes[claim.node].holds[claim] = devices
            self.nodes[claim.node].books = trial[claim.node]
        return {id: claim for id, (claim, _) in made.items()}

    def fits(self, name: str, cost: Mapping[str, Number]) -> bool:
        """-> whether `request` would succeed now."""
        self._lapse()
        self._end_claims()
        return name in self.nodes and self.nodes[name].fits(parse_cost(cost))

    def release(self, id: str) -> bool:
        self._lapse()
        self._end_claims()
        claim = self.claims.get(id)
        released = claim is not None and self.nodes[claim.node].up
        if claim is not None and released:
            node = self.nodes[claim.node]
            self._drop_claim(claim)
            self._fill(node)
        self._recover()
        return released

    # The clock, and rq's tools.

    def tick(self) -> None:
        """Whatever is due, until nothing is left over."""
        self._lapse()
        self._end_claims()
        due = [job for job in self.jobs.values() if job.state == "delayed" and job.due_ms <= self.now_ms]
        for job in sorted(due, key=lambda job: (job.due_ms, job.id)):
            self._admit(job)
        self._recover()
        for node in list(self.nodes.values()):
            if not node.up and node.lost_ms <= self.now_ms - FORGET_LOST_MS:
                del self.nodes[node.name]
            elif node.up and node.kind == "static":
                self._reconcile(node, None)

    def rq_cancels(self, job: Job) -> None:
        """rq's `job.cancel()`: the status, and off the queue."""
        self._take_off_queue(job)
        job.state = "canceled"
        self.touched.add(job)

    def rq_deletes(self, job: Job, *, off_queue: bool = True) -> None:
        """rq's `job.delete()`; not `off_queue`: the hash alone."""
        if off_queue:
            self._take_off_queue(job)
        job.state = "gone"
        self.touched.add(job)

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

    # Inside.

    def _lapse(self) -> None:
        for node in self.nodes.values():
            if node.up and node.kind == "leased" and node.lease_ends_ms <= self.now_ms:
                self._lose(node)

    def _lose(self, node: Node) -> None:
        node.up, node.emptied, node.lost_ms = False, False, self.now_ms

    def _recover(self) -> None:
        """Give back what lost nodes held: what was queued is placed again or waits, what ran has failed."""
        lost = [node for node in self.nodes.values() if not node.emptied]
        for node in sorted(lost, key=lambda node: (node.lost_ms, node.name)):
            queued, running, node.queue = node.queue, list(node.running), []
            for job in _by_rank(job for job in queued if job in node.holds):
                node.give_back(job)
                if job.state == "queued":
                    self._admit(job)
            for job in running:
                self._lose_run(node, job)
            for owner in list(node.holds):
                if isinstance(owner, Claim):
                    self._drop_claim(owner)
                else:
                    node.give_back(owner)
                    if owner.state == "queued":
                        self._admit(owner)
            node.emptied = True

    def _lose_run(self, node: Node, job: Job) -> None:
        node.running.remove(job)
        node.give_back(job)
        if job.state == "started" and job.marked:
            job.state = "canceled"
        elif job.state == "started":
            self._fail(job, retryable=True, jitter=1.0)

    def _end(self, node: Node, job: Job, result: Result) -> str:
        if job not in node.running:
            return "refused"
        node.running.remove(job)
        node.give_back(job)
        if job.state != "started" or job.marked:
            job.state = "canceled" if job.state == "started" else job.state
            return "canceled"
        if result.kind == "finished":
            job.state = "finished"
            return "stored"
        if result.kind == "stopped":
            job.state = "failed"
            return "stopped"
        self._fail(job, retryable=result.retryable, jitter=result.jitter)
        return "retrying" if job.state == "delayed" else "failed"

    def _fail(self, job: Job, *, retryable: bool, jitter: float) -> None:
        if retryable and job.attempts <= job.retries:
            job.state = "delayed"
            job.due_ms = math.floor(self.now_ms + min(60_000, 1000 * 2 ** (job.attempts - 1)) * jitter)
        else:
            job.state = "failed"

    def _admit(self, job: Job, preferred: str = "") -> None:
        """Place it on the first node that has room, unless functions of its shape wait already."""
        if not any(other.cost == job.cost and other.pin == job.pin for other in self._waiting()):
            for node in sorted(self.nodes.values(), key=lambda node: node.name != preferred):
                if job.pin in ("", node.name) and node.fits(job.cost):
                    self._place(job, node)
                    return
        job.state = "waiting"

    def _place(self, job: Job, node: Node) -> None:
        job.state, job.node, job.devices = "queued", node.name, node.hold(job)
        node.queue.append(job)

    def _waiting(self) -> Iterator[Job]:
        return (job for job in self.jobs.values() if job.state == "waiting")

    def _fill(self, node: Node) -> None:
        """Start what fits on a node that has got room, strictly by rank."""
        for job in _by_rank(self._waiting()):
            if job.pin in ("", node.name) and node.fits(job.cost):
                self._place(job, node)

    def _reconcile(self, node: Node, runs: list[Job] | None) -> set[Job]:
        stops = set()
        for owner in list(node.holds):
            if isinstance(owner, Claim):
                continue
            if runs is not None and owner in runs:
                if owner.state != "started" or owner.marked:
                    stops.add(owner)
            elif owner in node.running:
                self._lose_run(node, owner)
            elif owner not in node.queue or owner.state != "queued":
                node.give_back(owner)
                if owner.state == "queued":
                    self._admit(owner)
        self._fill(node)
        return stops

    def _come_up(self, name: str, kind: str, capabilities: Mapping[str, Number | Sequence[int]]) -> None:
        """Whatever was held under the name by one that was lost is given back before."""
        if name in self.nodes and not self.nodes[name].up:
            self._recover()
        node = self.nodes.setdefault(name, Node(name))
        node.kind, node.up, node.quiet, node.emptied = kind, True, False, True
        node.change(with_slots(parse_capabilities(capabilities)))
        self._recover()
        self._fill(node)

    def _end_claims(self) -> None:
        due = [claim for claim in self.claims.values() if claim.ends_ms <= self.now_ms]
        for claim in sorted(due, key=lambda claim: (claim.ends_ms, claim.id)):
            node = self.nodes[claim.node]
            self._drop_claim(claim)
            self._fill(node)

    def _drop_claim(self, claim: Claim) -> None:
        self.nodes[claim.node].give_back(claim)
        del self.claims[claim.id]

    def _take_off_queue(self, job: Job) -> None:
        if job.state == "queued" and job in self.nodes[job.node].queue:
            self.nodes[job.node].queue.remove(job)


def with_slots(capabilities: Capabilities) -> Capabilities:
    """A node that names no slots takes any number of functions."""
    return Capabilities({SLOTS: UNLIMITED, **capabilities.units}, capabilities.devices)


def _with_slot(cost: Mapping[str, Number]) -> Units:
    return {**parse_cost(cost), SLOTS: UNIT}


def _idle(node: Node) -> Books:
    books = Books({}, {})
    books.change(Capabilities({}), node.capabilities)
    return books


def _by_rank(jobs: Iterable[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: job.rank)
