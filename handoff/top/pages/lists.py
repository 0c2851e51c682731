"""The first page: all lists, as many of them at once as fit."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize

from handoff.top.lists import failures_table, lately_table, nodes_table, running_table, waiting_table
from handoff.top.pages.page import Page
from handoff.top.rows import Rows
from handoff.top.sight import Look
from handoff.top.table import share

TABLES = {
    "nodes": nodes_table,
    "waiting": waiting_table,
    "running": running_table,
    "lately": lately_table,
    "failures": failures_table,
}

SHOWN = {
    "overview": ("nodes", "waiting"),
    "nodes": ("nodes",),
    "waiting": ("waiting",),
    "slowest": ("running", "lately"),
    "failures": ("failures",),
}
"""The lists of each page, by the keys 1, 2, ..."""

AROUND = 9
"""Lines of the header, of what is said and of the keys."""

TALL, TALL_LISTS = 36, ("nodes", "waiting", "running", "failures")
"""From so many lines on the overview has more lists."""


class Lists(Page[None]):
    """Nodes, what waits, what takes long, what failed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(key), f"turn('{name}')", name, show=False) for key, name in enumerate(SHOWN, 1)),
    ]

    def __init__(self, where: str, interval_s: float) -> None:
        super().__init__(where, interval_s)
        self._turned = "overview"

    @property
    def heading(self) -> Text:
        """Which page it is, of which."""
        title = Text()
        for key, name in enumerate(SHOWN, 1):
            style = "bold reverse" if name == self._turned else ""
            title.append(f" {key} {name} ", style)
        return title

    def body(self) -> ComposeResult:
        """All of them; those that are not shown are hidden."""
        for name in TABLES:
            yield Rows(id=name)

    def on_mount(self) -> None:
        """Begin with the overview."""
        self.action_turn("overview")

    def on_resize(self, event: Resize) -> None:
        """There may be room for more lists, or less."""
        self._display()

    def action_turn(self, name: str) -> None:
        """Show one page of it."""
        self._turned = name
        self._display()
        self.query_one(f"#{SHOWN[name][0]}").focus()
        self.retitle()

    def _display(self) -> None:
        is_tall = self._turned == "overview" and self.size.height >= TALL
        shown = TALL_LISTS if is_tall else SHOWN[self._turned]
        for rows in self.query(Rows):
            rows.display = rows.id in shown
        self._share_room()

    def show(self, look: Look, found: None) -> None:
        """Fill all lists, also those that are hidden: they are turned to without a wait."""
        for name, table in TABLES.items():
            self.query_one(f"#{name}", Rows).fill(partial(table, look))
        self._share_room()

    def _share_room(self) -> None:
        """Give each list as many lines as it has, as far as there are."""
        shown = [rows for rows in self.query(Rows) if rows.display]
        room = self.size.height - AROUND
        for rows, height in zip(shown, share([rows.lines + 1 for rows in shown], room), strict=True):
            rows.styles.height = height

    def leave(self) -> None:
        """There is nowhere to go back to."""
