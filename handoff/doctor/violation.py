"""One thing that is not as it has to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from handoff.words.resources import UNIT, amount

Subject = tuple[str, ...]
"""What was looked at in one look, and can be looked at again: `("node", name)`, `("job", id)`, `("line", shape)`..."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is not as it has to be."""

    rule: str  #: which of the invariants: amounts, index, reservations, places, lines, room, keys, runs, schedules
    subject: Subject
    text: str  #: what is so
    job: str = ""
    node: str = ""
    #: resource -> what has to be there, and what is, in units of 1/10,000
    amounts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    #: rq's tools leave such behind, and housekeeping takes it up by and by: true only where it stays
    passing: bool = False

    def __str__(self) -> str:
        counts = [
            f"{name} {amount(found)} instead of {amount(expected)}" for name, (expected, found) in self.amounts.items()
        ]
        of = [f"node {self.node}"] * bool(self.node) + [f"job {self.job}"] * bool(self.job)
        return (
            f"{self.rule}: {', '.join(of) + ': ' if of else ''}{self.text}{': ' if counts else ''}{', '.join(counts)}"
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data; amounts as users write them."""
        return {
            "rule": self.rule,
            "subject": list(self.subject),
            "text": self.text,
            "job": self.job or None,
            "node": self.node or None,
            "amounts": {
                name: {"expected": amount(expected), "found": amount(found)}
                for name, (expected, found) in self.amounts.items()
            },
        }


def differing(expected: Mapping[str, int], found: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Of two maps of amounts what differs, as a violation tells it; what is absent is 0."""
    names = sorted(expected.keys() | found.keys())
    return {
        name: (expected.get(name, 0), found.get(name, 0))
        for name in names
        if expected.get(name, 0) != found.get(name, 0)
    }


def counted(expected: int, found: int, what: str) -> dict[str, tuple[int, int]]:
    """Counts, as a violation tells amounts."""
    return {what: (expected * UNIT, found * UNIT)} if expected != found else {}
