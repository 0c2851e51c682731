"""What the ledger must decide, in plain Python: who stands where, on which node, with which devices.

One method per operation, in the order in which its script decides. What is due is noticed by every operation; the
rest of the bookkeeping that scripts may leave to a later tick is done by `tick`. Nothing here knows of budgets: the
caller ticks until nothing is left over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from handoff.books.groups import Group, candidates, groups
from handoff.words.capabilities import Capabilities
from handoff.words.constraints import Term
from handoff.words.function import Function
from handoff.words.resources import Number, Units, parse_cost
from handoff.words.variants import Variant
from support.agent import Result
from support.model import Claim, Held, Job, Node, Shared, Way, ways_of, with_slots
from support.overtaking import Line, Overtaking

FORGET_LOST_MS = 3_600_000

MOST_WOKEN = 8
"""Where room may be enough for more lines than that, its node is tried with all that waits."""


class Oracle:
    """A cluster of one namespace. Times are of `now_ms`, which the caller moves."""

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
    ) -> bool:
        """-> False where another agent has the lease."""
        self._begin()
        node = self.nodes.get(name)
        if node and node.up and node.kind == "leased" and node.incarnation != incarnation:
            if node.incarnation != dead:
                return False
            self._lose(node)
        self._come_up(name, "leased", capabilities, labels)
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
            return "waiting"
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

    def beat(self, name: str, runs: Iterable[Job]) -> set[Job]:
        """-> what the agent is to stop."""
        self._begin()
        node = self.nodes[name]
        node.lease_ends_ms = self.now_ms + node.lease_ms
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

    # The clock, and rq's tools.

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

    # What fits.

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
        return min(nodes, key=lambda node: node.name != preferred, default=None)

    def _could_run(self, job: Job) -> bool:
        """Whether any live node could hold it when idle."""
        return any(self._could_hold(node, way) for node in self.nodes.values() for way in job.ways)

    def _could_hold(self, node: Node, way: Way) -> bool:
        totals = self.shared.totals
        enough = all(units <= totals[name] for name, units in self.shared.part(way.cost).items())
        return enough and node.live and node.allows(way) and node.idle().fits(self.shared.rest(way.cost))

    # What is held.

    def _hold(self, node: Node, owner: Job | Claim, cost: Units) -> Held:
        rest, part = self.shared.rest(cost), self.shared.part(cost)
        held = node.holds[owner] = Held(rest, node.books.take(rest), part)
        self.shared.used.update(part)
        node.was.append(node.books.copy())
        return held

    def _give_back(self, node: Node, owner: Job | Claim) -> None:
        held = node.holds.pop(owner)
        was_open = node.open
        node.books.give_back(held.cost, held.devices)
        if node.open and not was_open:
            self.overtaking.recall()
        if held.shared:
            self.shared.used.subtract(held.shared)
            self._dirty(self.shared)

    def _drop_claim(self, claim: Claim) -> None:
        self._give_back(self.nodes[claim.node], claim)
        del self.claims[claim.id]

    def _claim_together(self, group: Group, made: dict[str, Claim]) -> bool:
        """Add claims of all members on the first node that takes them one after another."""
        books = {name: node.books for name, node in self.nodes.items()}
        for name in candidates(group, books, {name: node.labels for name, node in self.nodes.items()}):
            node = self.nodes[name]
            claims: dict[str, Claim] = {}
            for member, cost in zip(group.members, group.costs, strict=True):
                if not self._fits(node, cost):
                    break
                claims[member.id] = Claim("", name, cost, math.inf)
                self._hold(node, claims[member.id], cost)
            else:
                made.update(claims)
                return True
            for claim in claims.values():
                self._give_back(node, claim)
        return False

    def _end_claims(self) -> None:
        due = [claim for claim in self.claims.values() if claim.ends_ms <= self.now_ms]
        for claim in sorted(due, key=lambda claim: (claim.ends_ms, claim.id)):
            node = self.nodes[claim.node]
            self._drop_claim(claim)
            self._wake(node)

    # Placing and waiting.

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

    # What becomes due by the clock alone.

    def _set_timer(self, what: str, left_ms: float) -> None:
        """None at all if that is for ever."""
        self.timers.pop(what, None)
        if left_ms < math.inf:
            self.timers[what] = self.now_ms + left_ms

    def _end_timers(self) -> None:
        """As they became due; at the same moment those of functions by rank, then those of nodes."""
        for at_ms, _, what in sorted((at_ms, self._rank_of_timer(what), what) for what, at_ms in self.timers.items()):
            if at_ms <= self.now_ms and self.timers.pop(what, None) is not None:
                kind, *number, of = what.split("|")
                if kind == "drain":
                    self._evict(self.nodes[of])
                else:
                    self._end_wait(kind, self.jobs[of], *map(int, number))

    def _rank_of_timer(self, what: str) -> tuple[float, ...]:
        kind, *_, of = what.split("|")
        return (math.inf,) if kind == "drain" else self.jobs[of].rank

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

    def _look_at_fitness(self, job: Job) -> None:
        job.unfit = not self._could_run(job)
        self._set_timer(f"unfit|{job.id}", job.unfit_ms or math.inf)

    def _evict(self, node: Node) -> None:
        """What still runs there is to be stopped."""
        for job in node.running:
            job.evicted = node.draining and job.state == "started"

    def _end_delays(self) -> None:
        due = [job for job in self.jobs.values() if job.state == "delayed" and job.due_ms <= self.now_ms]
        for job in _by_rank(due):
            self._get_ready(job)

    def _place(self, job: Job, node: Node, way: Way) -> None:
        has_waited = job.state == "waiting"
        self._stop_waiting(job)
        job.state, job.node, job.way = "queued", node.name, job.ways.index(way)
        job.devices = self._hold(node, job, way.cost).devices
        node.queue.append(job)
        self.overtaking.count(job, way.cost, has_waited=has_waited)

    def _waiting(self) -> list[Job]:
        """By rank."""
        return _by_rank(job for job in self.jobs.values() if job.state == "waiting")

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
            self._start_on(node, _by_rank(startable)[0])
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

    def _dirty(self, place: Node | Shared) -> None:
        self.overtaking.dirty.add(place.name)

    def _settle(self) -> None:
        """What is left over: first what lost nodes held, then what is to be tried with all that waits."""
        self._recover()
        while self.overtaking.dirty:
            name = min(self.overtaking.dirty)
            self.overtaking.dirty.discard(name)
            if name == self.shared.name:
                self._fill_any()
            elif name in self.nodes:
                self._fill(self.nodes[name])

    # How functions end.

    def _end(self, node: Node, job: Job, result: Result) -> str:
        if job not in node.running:
            return "refused"
        node.running.remove(job)
        self._give_back(node, job)
        if job.state != "started" or job.marked:
            job.state = "canceled" if job.state == "started" else job.state
            return "canceled"
        if result.kind == "finished":
            job.state = "finished"
            return "stored"
        if result.kind == "stopped" and not job.evicted:
            job.state = "failed"
            return "stopped"
        if result.kind == "stopped":
            self._fail(job, retryable=True, jitter=1.0)
        else:
            self._fail(job, retryable=result.retryable, jitter=result.jitter)
        return "retrying" if job.state == "delayed" else "failed"

    def _fail(self, job: Job, *, retryable: bool, jitter: float) -> None:
        if retryable and job.attempts <= job.retries:
            job.state = "delayed"
            job.due_ms = math.floor(self.now_ms + min(60_000, 1000 * 2 ** (job.attempts - 1)) * jitter)
        else:
            job.state = "failed"

    def _end_before_start(self, job: Job, state: str, error: str = "") -> None:
        """It is queued, waits, or is delayed."""
        node = self.nodes[job.node] if job.state == "queued" else None
        self._take_off_queue(job)
        self._stop_waiting(job)
        self.overtaking.gone += job.state == "waiting"
        self.timers.pop(f"expire|{job.id}", None)
        job.state, job.error = state, error
        if node is not None:
            self._give_back(node, job)
            self._wake(node)

    def _lose_run(self, node: Node, job: Job) -> None:
        node.running.remove(job)
        self._give_back(node, job)
        if job.state == "started" and job.marked:
            job.state = "canceled"
        elif job.state == "started":
            self._fail(job, retryable=True, jitter=1.0)

    # How nodes come and go.

    def _come_up(self, name: str, kind: str, capabilities: Capabilities, labels: Mapping[str, str]) -> None:
        """Whatever was held under the name by one that was lost is given back before."""
        if name in self.nodes and not self.nodes[name].up:
            self._recover()
        node = self.nodes.setdefault(name, Node(name, draining=name in self.drained))
        node.kind, node.up, node.quiet, node.emptied, node.labels = kind, True, False, True, labels
        after = with_slots(capabilities)
        node.books.change(node.capabilities, after)
        node.capabilities = after
        self.overtaking.free(node)
        self._open(node)
        self._settle()

    def _open(self, node: Node) -> None:
        """It may take what waits."""
        self._dirty(node)
        if node.open:
            self.overtaking.recall()

    def _begin(self) -> None:
        """Notice whose lease is over, and how much each node has free."""
        for node in self.nodes.values():
            node.was = [node.books.copy()]
            if node.up and node.kind == "leased" and node.lease_ends_ms <= self.now_ms:
                self._lose(node)

    def _lose(self, node: Node) -> None:
        node.up, node.emptied, node.lost_ms = False, False, self.now_ms
        self.overtaking.free(node)

    def _forget(self, node: Node) -> None:
        self.timers.pop(f"drain|{node.name}", None)
        del self.nodes[node.name]

    def _recover(self) -> None:
        """Give back what lost nodes held: what was queued is placed again or waits, what ran has failed."""
        lost = [node for node in self.nodes.values() if not node.emptied]
        for node in sorted(lost, key=lambda node: (node.lost_ms, node.name)):
            self._hand_back(node)
            for job in list(node.running):
                self._lose_run(node, job)
            for owner in list(node.holds):
                if isinstance(owner, Claim):
                    self._drop_claim(owner)
                else:
                    self._give_back(node, owner)
                    if owner.state == "queued":
                        self._admit(owner)
            node.emptied = True

    def _hand_back(self, node: Node) -> None:
        """What stands on the queue of a node that is closed is placed again, or waits."""
        self.overtaking.free(node)
        queued, node.queue = node.queue, []
        for job in _by_rank(job for job in queued if job.state == "queued" and job in node.holds):
            self._give_back(node, job)
            self._admit(job)

    def _reconcile(self, node: Node, runs: list[Job] | None) -> set[Job]:
        stops = set()
        for owner in list(node.holds):
            if isinstance(owner, Claim):
                continue
            if runs is not None and owner in runs:
                if owner.state != "started" or owner.marked or owner.evicted:
                    stops.add(owner)
            elif owner in node.running:
                self._lose_run(node, owner)
            elif owner not in node.queue or owner.state != "queued":
                self._give_back(node, owner)
                if owner.state == "queued":
                    self._admit(owner)
        self._wake(node)
        return stops

    def _touch(self, job: Job) -> None:
        self._stop_waiting(job)
        self.timers.pop(f"expire|{job.id}", None)
        self.touched.add(job)

    def _take_off_queue(self, job: Job) -> None:
        if job.state == "queued" and job in self.nodes[job.node].queue:
            self.nodes[job.node].queue.remove(job)


def _by_rank(jobs: Iterable[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: job.rank)
