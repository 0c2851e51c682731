"""Tables of one line each that fit a terminal: what is long gives way, and what is to be copied never does."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from handoff.cli.output import one_line

WIDTH = 80
"""Of what is no terminal."""

GAP = "  "

CUT = "..."


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `least` is how far it may be cut where the table is too wide; None = it is never cut."""

    heading: str
    least: int | None = None
    right: bool = False  #: numbers stand at the right


def lines_of(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None) -> list[str]:
    """Lay out a table, its headings first. The last columns that may be cut give way first."""
    cells = [[one_line(cell) for cell in row] for row in rows]
    wide = width or shutil.get_terminal_size((WIDTH, 24)).columns
    widths = _widths(columns, [[column.heading for column in columns], *cells], wide)
    return [
        GAP.join(
            _fitted(cell, size, right=column.right) for cell, size, column in zip(row, widths, columns, strict=True)
        ).rstrip()
        for row in [[column.heading for column in columns], *cells]
    ]


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], wide: int) -> list[int]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    over = sum(widths) + len(GAP) * (len(columns) - 1) - wide
    for i in reversed(range(len(columns))):
        least = columns[i].least
        if least is not None and over > 0:
            cut = min(over, max(0, widths[i] - least))
            widths[i] -= cut
            over -= cut
    return widths


def _fitted(cell: str, size: int, *, right: bool) -> str:
    if len(cell) > size:
        cell = f"{cell[: size - len(CUT)]}{CUT}"
    return cell.rjust(size) if right else cell.ljust(size)
