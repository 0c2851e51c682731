"""What a benchmark hands over: figures, each with all its repeats; and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity."""

    part: str
    what: str
    values: Sequence[float]  #: one per repeat
    unit: str
    size: int  #: functions, calls or requests of one repeat
    note: str = ""
    at_most: float | None = None  #: the bar, where there is one
    details: Mapping[str, Any] = field(default_factory=dict)  #: what it was made from, for programs
    at_least: float | None = None  #: a bar from below

    @property
    def median(self) -> float:
        """The figure itself."""
        return median(self.values)

    @property
    def passes(self) -> bool:
        """Whether the median is within the bars; so is what has none."""
        return (self.at_most is None or self.median <= self.at_most) and (
            self.at_least is None or self.median >= self.at_least
        )

    @property
    def bars(self) -> dict[str, float]:
        """What the median is compared with."""
        bars = {"at_most": self.at_most, "at_least": self.at_least}
        return {name: bar for name, bar in bars.items() if bar is not None}

    def as_json(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            "part": self.part, "what": self.what, "median": self.median, "values": list(self.values),
            "unit": self.unit, "size": self.size, "note": self.note,
            **({**self.bars, "passes": self.passes} if self.bars else {}),
            **({"details": dict(self.details)} if self.details else {}),
        }  # fmt: skip


def ratio(values: Sequence[float], standard: Sequence[float]) -> float:
    """The median of how often each repeat has what the same repeat of the standard has: both were disturbed alike."""
    return median(value / other for value, other in zip(values, standard, strict=True))


def show(console: Console, machine: Mapping[str, str], figures: Iterable[Figure]) -> None:
    """Print a table for people."""
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()), highlight=False)
    figures = list(figures)
    has_bars = any(figure.bars for figure in figures)
    table = Table()
    for heading in ("part", "what", "median", "unit", *["bar"] * has_bars, "lowest", "highest", "of", "note"):
        numeric = heading in ("median", "lowest", "highest", "of")
        table.add_column(heading, justify="right" if numeric else "left", no_wrap=heading != "note")
    last = ""
    for figure in figures:
        if last not in ("", figure.part):
            table.add_section()
        table.add_row(
            figure.part if figure.part != last else "", figure.what, _number(figure.median), figure.unit,
            *[_bar(figure)] * has_bars, _number(min(figure.values)), _number(max(figure.values)),
            f"{len(figure.values)} x {figure.size:,}", figure.note,
        )  # fmt: skip
        last = figure.part
    console.print(table)


def to_json(machine: Mapping[str, str], figures: Iterable[Figure]) -> str:
    """All figures for programs."""
    return json.dumps({"machine": dict(machine), "figures": [figure.as_json() for figure in figures]}, indent=2)


def _bar(figure: Figure) -> str:
    signs = {"at_most": "<=", "at_least": ">="}
    bars = [f"{signs[name]} {_number(bar)}" for name, bar in figure.bars.items()]
    return f"{' '.join(bars)} {'passed' if figure.passes else 'FAILED'}" if bars else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"
