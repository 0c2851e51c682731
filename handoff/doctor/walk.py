"""What one examination remembers on its way, so that it looks closely only at what does not seem to be right."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from handoff.doctor import stored
from handoff.doctor.places import Entry, says_so
from handoff.doctor.violation import Subject, Violation
from handoff.ledger.nodes import Node
from handoff.ledger.store import Store

Found = Iterator[Violation]

_REMEMBERED = ("status", stored.STATE, stored.NODE, stored.PLACEMENT, stored.DEMAND, stored.RESERVED, stored.DEPENDS)


@dataclass
class Walk:
    """One examination."""

    store: Store
    on_step: Callable[[str], None] = lambda what: None
    nodes: dict[str, NodeSeen] = field(default_factory=dict)
    #: those that have not ended and stand where they say
    jobs: dict[str, dict[str, str]] = field(default_factory=dict)
    planes: dict[str, int] = field(default_factory=dict)  #: index -> how many
    labels: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    lines: set[str] = field(default_factory=set)
    runs: dict[str, str] = field(default_factory=dict)  #: run -> its state
    schedules: set[str] = field(default_factory=set)
    #: what was looked at and changed each time: it is looked at once more at the end
    restless: list[Subject] = field(default_factory=list)

    def remember(self, id: str, job: dict[str, str]) -> None:
        """A job stands where it says."""
        self.jobs[id] = {name: sys.intern(job[name]) for name in _REMEMBERED if name in job}

    def is_known(self, entry: Entry) -> bool:
        """Whether whose it is has said so, and stood there."""
        job = self.jobs.get(entry.job_id)
        return job is not None and entry.place not in ("wip", "executions") and says_so(entry, job)


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """What a node was when it was looked at."""

    node: Node
    position: int
    fields: dict[str, str]
    indices: dict[str, frozenset[str]]  #: side -> index
    labels: frozenset[str]
    #: reservations with something of what all share
    sharing: tuple[str, ...]
