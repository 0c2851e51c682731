"""What is wrong after a campaign, by what it is; and what else a table tells."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

LOST, DOUBLED, LEAKED, OVER, WRONG, BOOKS, BROKEN, SLOW = (
    "lost", "doubled", "leaked", "over capacity", "wrong outcome", "books", "broken", "slow",
)  # fmt: skip
SORTS = (LOST, DOUBLED, LEAKED, OVER, WRONG, BOOKS, BROKEN, SLOW)


@dataclass
class Verdict:
    """All that came of a campaign."""

    seed: int
    seconds: float
    faults: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    checks: int = 0
    rounds: int = 0
    submitted: Counter[str] = field(default_factory=Counter)  #: functions and graphs, by how they ended
    starts: int = 0  #: of functions that may start once
    wrong: list[tuple[str, str]] = field(default_factory=list)  #: sort, and what it is
    slowest_recovery: float = 0.0  #: in leases, from a last heartbeat
    slowest: str = ""  #: which that was
    losses_without_fault: int = 0
    losses_with_redis: int = 0  #: of nodes that nothing had struck but what strikes all
    rates: dict[str, float] = field(default_factory=dict)  #: functions finished a second: before, during, after

    def note(self, sort: str, *what: str) -> None:
        self.wrong += [(sort, each) for each in what]

    def count(self, sort: str) -> int:
        return sum(1 for each, _ in self.wrong if each == sort)

    def to_dict(self) -> dict[str, object]:
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "faults": dict(sorted(self.faults.items())),
            "missed": self.missed,
            "checks": self.checks,
            "rounds": self.rounds,
            "submitted": dict(self.submitted),
            "starts": self.starts,
            **{sort.replace(" ", "_"): self.count(sort) for sort in SORTS},
            "slowest_recovery": round(self.slowest_recovery, 2),
            "slowest": self.slowest,
            "losses_without_fault": self.losses_without_fault,
            "losses_with_redis": self.losses_with_redis,
            "rates": {when: round(rate, 2) for when, rate in self.rates.items()},
            "wrong": [list(each) for each in self.wrong],
        }
