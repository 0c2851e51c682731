"""What the oracle reckons with: functions, claims, nodes, and what all nodes share. No decision is made here."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from handoff.books.node_books import Books, Devices
from handoff.ledger.texts.shape import write_shape
from handoff.words.capabilities import Capabilities
from handoff.words.constraints import Term, pinned_to
from handoff.words.resources import SLOTS, UNIT, UNLIMITED, Units, device_of
from handoff.words.variants import Variant


@dataclass(frozen=True, slots=True)
class Way:
    """One way to start a function: a variant of its cost, with the slot, and where it may go."""

    after_ms: int  #: of waiting, before it counts
    cost: Units
    terms: tuple[Term, ...]
    shape: str  #: functions of the same stand in one line

    @property
    def pin(self) -> str | None:
        """The only node that it may go to."""
        return pinned_to(self.terms)


def ways_of(variants: Sequence[Variant], terms: tuple[Term, ...]) -> tuple[Way, ...]:
    """All that a function may start as, what it prefers first."""
    return tuple(
        Way(variant.after_ms, {**variant.cost, SLOTS: UNIT}, terms, write_shape({**variant.cost, SLOTS: UNIT}, terms))
        for variant in variants
    )


def family(resource: str) -> str:
    """The devices that a resource is of: whoever uses `gpu_memory` uses `gpu`."""
    return device_of(resource) or resource


@dataclass(eq=False, slots=True, repr=False)
class Job:
    """One function."""

    id: str
    ways: tuple[Way, ...]
    rank: tuple[int, int]
    retries: int = 0
    strategy: str = "first_available"
    wait_ms: float = math.inf  #: how long it may be ready and not start
    unfit_ms: float = math.inf  #: how long it may wait while no node could hold it; 0 = it did not wait then
    state: str = "new"  #: API's word, or "gone" once rq's tools deleted it
    node: str = ""
    devices: Devices = field(default_factory=dict)
    way: int = 0  #: by which it was placed
    attempts: int = 0
    shunned: str = ""  #: the node of its last attempt, where that failed
    due_ms: int = 0
    joined: list[Way] = field(default_factory=list)  #: in whose lines it stands while it waits, by preference
    unfit: bool = False  #: when it was last asked whether any node could hold it
    marked: bool = False  #: canceled while it ran
    evicted: bool = False  #: to be stopped, for its node is drained
    error: str = ""  #: of which class, if it failed without running

    def __repr__(self) -> str:
        return f"<{self.id} {self.state}>"


@dataclass(eq=False, slots=True)
class Claim:
    """One claim through the tracker."""

    id: str
    node: str
    cost: Units
    ends_ms: float


@dataclass(frozen=True, slots=True)
class Held:
    """What one owner holds of a node, and of what all share."""

    cost: Units
    devices: Devices
    shared: Units


@dataclass(frozen=True, slots=True)
class External:
    """What other programs use: of sums, and memory of gpus by index."""

    sums: Units = field(default_factory=dict)
    gpus: dict[int, int] = field(default_factory=dict)

    def cost(self) -> Units:
        return {**self.sums, **({"gpu_memory": sum(self.gpus.values())} if self.gpus else {})}


@dataclass(frozen=True, slots=True)
class Promise:
    """Nothing behind `job` that uses what it lacks is placed there before it."""

    job: Job
    lacks: frozenset[str]  #: families

    def bars(self, cost: Iterable[str], job: Job | None) -> bool:
        """Whether `job`, or a claim where it is None, has to leave this to the other."""
        is_behind = job is None or job.rank > self.job.rank
        return is_behind and any(family(name) in self.lacks for name in cost)


@dataclass(eq=False, slots=True)
class Shared:
    """What the cluster has once for all nodes, as if it were one of them."""

    name: str = "*"
    totals: Units = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    promise: Promise | None = None

    def part(self, cost: Units) -> Units:
        """What of a cost is shared."""
        return {name: units for name, units in cost.items() if name in self.totals}

    def rest(self, cost: Units) -> Units:
        """What of a cost a node itself must have."""
        return {name: units for name, units in cost.items() if name not in self.totals}

    def short(self, part: Units) -> Units:
        missing = {name: units - max(0, self.totals.get(name, 0) - self.used[name]) for name, units in part.items()}
        return {name: units for name, units in missing.items() if units > 0}


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
    draining: bool = False
    lost_ms: int = 0
    emptied: bool = True  #: of what it held when it was lost
    labels: Mapping[str, str] = field(default_factory=dict)
    capabilities: Capabilities = field(default_factory=lambda: Capabilities({}))
    books: Books = field(default_factory=lambda: Books({}, {}))
    was: list[Books] = field(default_factory=list)  #: its books since the operation began, or since it was tried
    queue: list[Job] = field(default_factory=list)
    running: list[Job] = field(default_factory=list)
    holds: dict[Job | Claim, Held] = field(default_factory=dict)
    promise: Promise | None = None
    external: External | None = None  #: what other programs use, as its agent has said
    kept: External = field(default_factory=External)  #: what of that is reserved

    @property
    def live(self) -> bool:
        """Whether it counts for what is feasible."""
        return self.up and not self.draining

    @property
    def open(self) -> bool:
        """Whether it takes more: nothing that it holds is beyond what it has, either."""
        return self.live and not self.quiet and self.books.fits({})

    def allows(self, way: Way) -> bool:
        return all(term.allows(self.name, self.labels) for term in way.terms)

    def idle(self) -> Books:
        """Its books if it held nothing."""
        books = Books({}, {})
        books.change(Capabilities({}), self.capabilities)
        return books

    def spare(self) -> int:
        """The smallest free share of all that it has, in 1/10,000."""
        used: Counter[str] = Counter()
        for held in self.holds.values():
            used.update(held.cost)
        used.update(self.kept.cost())
        shares = (
            math.floor(max(0, units - used[name]) / units * UNIT) for name, units in self.capabilities.units.items()
        )
        return min([UNIT, *shares])


def with_slots(capabilities: Capabilities) -> Capabilities:
    """A node that names no slots takes any number of functions."""
    units = {SLOTS: UNLIMITED, **capabilities.units}
    return Capabilities(units, capabilities.devices, capabilities.memory)


def by_rank(jobs: Iterable[Job]) -> list[Job]:
    return sorted(jobs, key=lambda job: job.rank)
