"""What a benchmark hands over: figures, each with all its repeats; and how they are shown."""

from __future__ import annotations

import json
import math
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
    values: Sequence[float]  #: one per repeat; none: it could not be measured, and the note says why
    unit: str
    size: int  #: functions, calls or requests of one repeat
    note: str = ""
    at_most: float | None = None  #: the bar, where there is one
    details: Mapping[str, Any] = field(default_factory=dict)  #: what it was made from, for programs
    at_least: float | None = None  #: a bar from below

    @property
    def median(self) -> float:
        """The figure itself; not a number where nothing was measured."""
        return median(self.values) if self.values else math.nan

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
            "part": self.part, "what": self.what,
            "median": self.median if self.values else None, "values": list(self.values),
            "unit": self.unit, "size": self.size, "note": self.note,
            **({**self.bars, "passes": self.passes} if self.bars else {}),
            **({"details": dict(self.details)} if self.details else {}),
        }  # fmt: skip


def ratio(values: Sequence[float], standard: Sequence[float]) -> float:
    """The median of how often each repeat has what the same repeat of the standard has: both were disturbed alike."""
    return median(value / other for value, other in zip(values, standard, strict=True))


HEADINGS = ("part", "what", "median", "unit", "bar", "lowest", "highest", "of", "note")
NUMERIC = ("median", "lowest", "highest", "of")


@dataclass(frozen=True, slots=True)
class Where:
    """Without this no figure says anything."""

    machine: Mapping[str, str]  #: name -> what it is here
    systems: Mapping[str, str] = field(default_factory=dict)  #: what was measured -> its versions, and how it was set

    def in_words(self) -> list[str]:
        """A line for the machine, and one for each system."""
        machine = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        return [machine, *(f"{name}: {told}" for name, told in self.systems.items())]


def show(console: Console, where: Where, figures: Iterable[Figure]) -> None:
    """Print a table for people."""
    console.print(*where.in_words(), sep="\n", highlight=False)
    headings, rows = _rows(list(figures))
    table = Table()
    for heading in headings:
        table.add_column(heading, justify="right" if heading in NUMERIC else "left", no_wrap=heading != "note")
    last = ""
    for row in rows:
        if last not in ("", row[0]):
            table.add_section()
        table.add_row(row[0] if row[0] != last else "", *row[1:])
        last = row[0]
    console.print(table)


def to_markdown(where: Where, figures: Iterable[Figure]) -> str:
    """The same table for a page."""
    headings, rows = _rows(list(figures))
    rules = ["---:" if heading in NUMERIC else "---" for heading in headings]
    lines = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in (headings, rules, *rows)]
    machine, *systems = where.in_words()
    return "\n".join([machine, "", *(f"* {system}" for system in systems), *[""] * bool(systems), *lines])


def _rows(figures: Sequence[Figure]) -> tuple[list[str], list[list[str]]]:
    """The headings and, of each figure, a cell for each; the bars only where some figure has one."""
    has_bars = any(figure.bars for figure in figures)
    rows = []
    for figure in figures:
        lowest, highest = (each(figure.values, default=math.nan) for each in (min, max))
        rows.append(
            [
                figure.part,
                figure.what,
                _number(figure.median),
                figure.unit,
                *[_bar(figure)] * has_bars,
                _number(lowest),
                _number(highest),
                f"{len(figure.values)} x {figure.size:,}",
                figure.note,
            ]
        )
    return [heading for heading in HEADINGS if has_bars or heading != "bar"], rows


def to_json(where: Where, figures: Iterable[Figure]) -> str:
    """All figures for programs."""
    systems = {"systems": dict(where.systems)} if where.systems else {}
    return json.dumps(
        {"machine": dict(where.machine), **systems, "figures": [figure.as_json() for figure in figures]}, indent=2
    )


def _bar(figure: Figure) -> str:
    signs = {"at_most": "<=", "at_least": ">="}
    bars = [f"{signs[name]} {_number(bar)}" for name, bar in figure.bars.items()]
    return f"{' '.join(bars)} {'passed' if figure.passes else 'FAILED'}" if bars else ""


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.1f}" if abs(value) >= 10 else f"{value:.2f}"
