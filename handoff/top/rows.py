"""A list of rows that keeps its place while what it shows changes: the row that was chosen stays so."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from handoff.top.table import Make, Row, Table, headings_of, line_of, plain, widths_of

_HEADING = Style(bold=True, underline=True)
_CHOSEN = Style(reverse=True, bold=True)


class Rows(ScrollView, can_focus=True):
    """A table of which one row is chosen. The first line has the headings, and stays where it is."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home,g", "move(-1000000)", "first", show=False),
        Binding("end,G", "move(1000000)", "last", show=False),
        Binding("enter", "open", "open", key_display="⏎"),
    ]

    class Moved(Message):
        """Another row is chosen, or says something else."""

    class Opened(Message):
        """The row that is chosen is to be opened."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._make: Make | None = None
        self._table = Table((), (), "")
        self._rows: list[Row] = []
        self._widths: list[int] = []
        self._place = 0
        self._filter = ""

    @property
    def chosen(self) -> Row | None:
        """The row that is chosen; None where there is none."""
        return self._rows[self._place] if self._rows else None

    @property
    def lines(self) -> int:
        """Of the headings and of all rows, or of what is said of none."""
        return 1 + max(1, len(self._rows))

    @property
    def left_out(self) -> int:
        """How many rows the filter leaves out."""
        return len(self._table.rows) - len(self._rows)

    @property
    def _wide(self) -> int:
        """The columns that there are beside the scrollbar."""
        return self.scrollable_content_region.width

    def fill(self, make: Make) -> None:
        """Show what this gives."""
        self._make = make
        self._lay_out()

    def filter(self, text: str) -> None:
        """Show only rows that have this text in them."""
        self._filter = text
        self._lay_out()

    def _lay_out(self) -> None:
        if self._make is None or not self._wide:
            return
        before = self.chosen
        self._table = self._make(self._wide)
        self._rows = [row for row in self._table.rows if row.matches(self._filter)]
        self._widths = widths_of(self._table, self._rows, self._wide)
        places = {row.key: place for place, row in enumerate(self._rows)}
        # What has gone leaves its place to what stands there now.
        kept = places.get(before.key, self._place) if before else 0
        self._place = max(0, min(kept, len(self._rows) - 1))
        self.virtual_size = Size(self._wide, self.lines)
        self._see_chosen()
        self.refresh()
        self.post_message(self.Moved())

    def on_resize(self, event: Resize) -> None:
        """What fits has changed."""
        self._lay_out()

    def action_move(self, by: int) -> None:
        """Choose the row that stands so many below."""
        if not self._rows:
            return
        self._place = max(0, min(self._place + by, len(self._rows) - 1))
        self._see_chosen()
        self.refresh()
        self.post_message(self.Moved())

    def action_page(self, by: int) -> None:
        """Choose the row that stands a page below."""
        self.action_move(by * max(1, self.size.height - 2))

    def action_open(self) -> None:
        """Open the row that is chosen."""
        if self.chosen is not None:
            self.post_message(self.Opened(self.chosen))

    def on_click(self, event: Click) -> None:
        """Choose the row that was clicked at; twice opens it."""
        place = round(self.scroll_y) + event.y - 1
        if event.y and place < len(self._rows):
            self.action_move(place - self._place)
            if event.chain > 1:
                self.action_open()

    def _see_chosen(self) -> None:
        shown, top = self.size.height - 1, round(self.scroll_y)
        if self._place < top:
            self.scroll_to(y=self._place, animate=False, immediate=True)
        elif self._place >= top + shown:
            self.scroll_to(y=self._place - shown + 1, animate=False, immediate=True)

    def render_line(self, y: int) -> Strip:
        """One line of what is seen."""
        width, base = self._wide, self.rich_style
        if y == 0:
            text, style = line_of(self._table, headings_of(self._table), self._widths, width), _HEADING
        else:
            place = round(self.scroll_y) + y - 1
            if place >= len(self._rows):
                said = self._said_of_none() if y == 1 and not self._rows else ""
                return Strip([Segment(plain(said).plain[:width].ljust(width), base + Style(dim=True))], width)
            text = line_of(self._table, self._rows[place].cells, self._widths, width)
            style = _CHOSEN if place == self._place and self.has_focus else Style.null()
        segments = list(text.render(self.app.console))
        return Strip(Segment.apply_style(segments, base, style)).adjust_cell_length(width, base)

    def _said_of_none(self) -> str:
        if self._filter and self._table.rows:
            return f"None of {len(self._table.rows):,} has {self._filter!r} in it."
        return self._table.empty
