"""What all pages have: the header, what is said of the chosen row, the filter, and the keys at the bottom."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Generic, TypeVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import Footer, Input, Static

from handoff.errors import HandoffError
from handoff.top.header import Header
from handoff.top.rows import Rows
from handoff.top.sight import Look, Reads
from handoff.top.subjects import Subject
from handoff.top.table import CUT, plain

T = TypeVar("T")

SAID_LINES = 3
"""Of what is said of the chosen row."""


class Page(Screen[None], Generic[T]):
    """One page. What it reads beside the look is given to `show`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,left", "back", "back", key_display="esc"),
        Binding("slash", "filter", "filter", key_display="/"),
        # Textual copies with it what was selected.
        Binding("ctrl+c", "app.quit", "quit", show=False, priority=True),
    ]

    def __init__(self, where: str, interval_s: float) -> None:
        super().__init__()
        self._header = Header(where, interval_s)
        self._look: Look | None = None
        self._filter = ""

    @property
    def reads(self) -> Reads[T] | None:
        """What it reads at each look; None = no more than that."""
        return None

    @property
    def about(self) -> Subject | None:
        """What the page is of."""
        return None

    @property
    @abstractmethod
    def heading(self) -> Text:
        """The last line of the header."""

    @abstractmethod
    def body(self) -> ComposeResult:
        """What stands between header and what is said."""

    @abstractmethod
    def show(self, look: Look, found: T | None) -> None:
        """Show what was seen; `found` is None where it was read for another page."""

    def compose(self) -> ComposeResult:
        """All of it."""
        yield self._header
        yield from self.body()
        yield Static(id="said")
        yield Input(placeholder="what rows must have in them; enter keeps it, esc drops it", id="filter", compact=True)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        """Show what is known already."""
        self.query_one("#filter").display = False
        self.retitle()
        if self._look:
            self.show(self._look, None)

    def see(self, look: Look, found: T | HandoffError | None) -> None:
        """Show what was seen."""
        self._look = look
        self._header.see(look)
        if not self.is_mounted:
            return
        if isinstance(found, HandoffError):
            self.say_gone(found)
        else:
            self.show(look, found)

    def miss(self, said: str, *, is_away: bool) -> None:
        """Say that nothing could be read."""
        self._header.miss(said, is_away=is_away)

    def say_gone(self, error: HandoffError) -> None:
        """Say why there is nothing to be shown any more."""
        self.say(str(error))

    def retitle(self) -> None:
        """Write the last line of the header."""
        title = self.heading
        if self._filter:
            left_out = sum(rows.left_out for rows in self.query(Rows) if rows.display)
            title.append("  ").append_text(plain(f"/ {self._filter}", "bold reverse"))
            title.append(f" leaves {left_out:,} out", "dim")
        self._header.name_pages(title)

    @property
    def rows(self) -> Rows | None:
        """The list in which keys move."""
        if isinstance(self.focused, Rows) and self.focused.display:
            return self.focused
        return next((rows for rows in self.query(Rows) if rows.display), None)

    @property
    def subjects(self) -> list[Subject]:
        """What may be acted on: what the chosen row is of, then what the page is of."""
        chosen = self.rows.chosen if self.rows else None
        found = [chosen.subject if chosen else None, self.about]
        return [subject for subject in found if subject is not None]

    @on(Rows.Moved)
    def say_of_chosen(self) -> None:
        """Say of the chosen row what does not fit into it."""
        chosen = self.rows.chosen if self.rows else None
        self.say(chosen.told if chosen else "")
        self.retitle()

    def on_descendant_focus(self) -> None:
        """Another list has the keys."""
        self.say_of_chosen()

    def on_resize(self, event: Resize) -> None:
        """What is said is cut elsewhere."""
        self.say_of_chosen()

    def say(self, text: str) -> None:
        """Say it in a few lines, with an ellipsis where there is more."""
        said = self.query_one("#said", Static)
        width = max(1, self.size.width - 2)
        lines = list(plain(text).wrap(self.app.console, width))
        if len(lines) > SAID_LINES:
            last = lines[SAID_LINES - 1]
            last.rstrip()
            last.truncate(width - 1)
            last.append(CUT)
        said.update(Text("\n").join(lines[:SAID_LINES]))

    def action_filter(self) -> None:
        """Ask what rows must have in them."""
        asked = self.query_one("#filter", Input)
        asked.display = True
        asked.value = self._filter
        asked.focus()

    @on(Input.Changed, "#filter")
    def apply_filter(self, event: Input.Changed) -> None:
        """Leave out what does not match."""
        self._filter = event.value
        for rows in self.query(Rows):
            rows.filter(event.value)
        self.retitle()

    @on(Input.Submitted, "#filter")
    def keep_filter(self) -> None:
        """Go back to the list."""
        self.query_one("#filter").display = False
        if self.rows:
            self.rows.focus()

    def drop_filter(self) -> bool:
        """Show all again. -> whether something was left out, or was being asked for"""
        asked = self.query_one("#filter", Input)
        if not self._filter and not asked.display:
            return False
        asked.value = ""
        self.keep_filter()
        return True

    def action_back(self) -> None:
        """Drop the filter, or leave the page."""
        if not self.drop_filter():
            self.leave()

    def leave(self) -> None:
        """Go back to where it was opened."""
        self.dismiss()


Pages = Page[Any]
