"""What each operation cost when the limits were set, kept as a file of the project, and how far it has moved since."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from benchmarks.check.costs import Costs
from benchmarks.figures import Figure

FILE = Path(__file__).parent / "limits.json"

COMMANDS, CPU = "commands", "server CPU"
UNITS = {COMMANDS: "each", CPU: "x floor"}

SLACK = {COMMANDS: 1.0, CPU: 1.2}
"""A limit is so many times what it was: numbers of commands are exact, CPU is a mean of what some machine took."""

Kept = dict[str, dict[str, dict[str, float]]]
"""Kind -> operation -> its mean when the limits were set, and its limit."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One operation, then and now."""

    kind: str
    operation: str
    rounds: Sequence[float]
    mean: float | None  #: None: it has none yet
    limit: float | None

    @property
    def now(self) -> float:
        """What is compared: the mean of all rounds."""
        return mean(self.rounds)

    @property
    def passes(self) -> bool:
        """Whether it is within its limit; so is what has none."""
        return self.limit is None or self.now <= self.limit

    def figure(self) -> Figure:
        """The same for the table."""
        note = "has no limit: --renew sets one"
        if self.mean is not None:
            note = f"{self.now / self.mean - 1:+.1%} since the limit was set" if self.now != self.mean else "as it was"
        return Figure(self.kind, self.operation, self.rounds, UNITS[self.kind], 1, note, at_most=self.limit)


def compare(kind: str, costs: Costs) -> list[Moved]:
    """Each operation beside what is kept of it."""
    kept = _read().get(kind, {})
    return list(_moved(kind, costs, kept))


def renew(kind: str, costs: Costs) -> None:
    """Keep these as what it costs."""
    kept = _read()
    means = {name: mean(rounds) for name, rounds in costs.items()}
    kept[kind] = {name: {"mean": round(each, 2), "limit": round(each * SLACK[kind], 2)} for name, each in means.items()}
    FILE.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def _moved(kind: str, costs: Costs, kept: dict[str, dict[str, float]]) -> Iterator[Moved]:
    for name, rounds in costs.items():
        then = kept.get(name, {})
        yield Moved(kind, name, rounds, then.get("mean"), then.get("limit"))


def _read() -> Kept:
    kept: Kept = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return kept
