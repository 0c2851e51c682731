"""Tables of one line a row that fit the width there is: what is long is cut, and ends with an ellipsis then. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from handoff.top.subjects import Subject

GAP = 2

CUT = "…"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `least` is how far it may be cut where the table is too wide; None = it is never cut."""

    heading: str
    least: int | None = None
    right: bool = False  #: numbers stand at the right


@dataclass(frozen=True, slots=True)
class Row:
    """One line, and what it is of."""

    key: str  #: by which it is known in the next look
    cells: Sequence[Text]
    subject: Subject | None = None  #: what is opened, and what may be done to it
    told: str = ""  #: what is said of it below the table

    def matches(self, text: str) -> bool:
        """Whether it has that text anywhere."""
        wanted = text.casefold()
        return any(wanted in told.casefold() for told in (self.key, *(cell.plain for cell in self.cells)))


@dataclass(frozen=True, slots=True)
class Table:
    """What a list shows."""

    columns: Sequence[Column]
    rows: Sequence[Row]
    empty: str  #: what is said where there is no row


Make = Callable[[int], Table]
"""Gives the table for a width."""


def widths_of(table: Table, rows: Sequence[Row], wide: int) -> list[int]:
    """How wide each column is. Where there is too little room, the widest of those that may be cut gives way."""
    widths = [
        max(len(column.heading), *(row.cells[i].cell_len for row in rows)) if rows else len(column.heading)
        for i, column in enumerate(table.columns)
    ]
    surplus = sum(widths) + GAP * (len(widths) - 1) - wide
    for _ in range(surplus):
        spare = [(width, i) for i, width in enumerate(widths) if width > (table.columns[i].least or width)]
        if not spare:
            break
        widths[max(spare)[1]] -= 1
    return widths


def line_of(table: Table, cells: Sequence[Text], widths: Sequence[int], wide: int) -> Text:
    """One row as a line that is exactly so wide."""
    line = Text(no_wrap=True)
    for i, (column, cell, width) in enumerate(zip(table.columns, cells, widths, strict=True)):
        if i:
            line.append(" " * GAP)
        fitted = cell.copy()
        fitted.truncate(width, overflow="ellipsis")
        blank = " " * max(0, width - fitted.cell_len)
        line.append_text(Text.assemble(blank, fitted) if column.right else Text.assemble(fitted, blank))
    line.truncate(wide, overflow="ellipsis")
    line.pad_right(max(0, wide - line.cell_len))
    return line


def headings_of(table: Table) -> list[Text]:
    """The line above the rows."""
    return [Text(column.heading) for column in table.columns]


def plain(text: str, style: str = "") -> Text:
    """A text of somebody else's in one line, which a terminal shows as it is."""
    return Text("".join(char if char.isprintable() else " " for char in " ".join(text.split())), style)


def share(wanted: Sequence[int], room: int) -> list[int]:
    """How many lines each of several gets: what it wants, and where that is too much, as many as the others."""
    given = [0] * len(wanted)
    for _ in range(room):
        short = [(given[i], i) for i in range(len(wanted)) if given[i] < wanted[i]]
        if not short:
            break
        given[min(short)[1]] += 1
    return given
