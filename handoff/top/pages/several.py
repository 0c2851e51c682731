"""Functions that wait for the same, or have failed alike, as a list."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.widgets import Static

from handoff.top.lists import functions_table, said_of_first
from handoff.top.pages.page import Page
from handoff.top.rows import Rows
from handoff.top.sight import Look, Reads, Sight
from handoff.top.subjects import OfFailures, OfShape
from handoff.top.table import plain
from handoff.view.functions import Listing, Wanted, list_functions
from handoff.view.reasons import read_reasons

MOST = 500
"""Functions of one list; a filter looks among these."""

Found = tuple[Listing, str]
"""The functions, and what is said of all of them."""


class Several(Page[Found]):
    """The newest functions of one kind."""

    def __init__(self, where: str, interval_s: float, of: OfShape | OfFailures) -> None:
        super().__init__(where, interval_s)
        self._of = of

    @property
    def reads(self) -> Reads[Found]:
        """The functions themselves."""
        return read_waiting_alike(self._of) if isinstance(self._of, OfShape) else read_failed_alike(self._of)

    @property
    def heading(self) -> Text:
        """Of what they are."""
        if isinstance(self._of, OfShape):
            return Text.assemble(" what waits for ", plain(str(self._of.waiting), "bold"))
        return Text.assemble(" ", plain(self._of.group.error, "bold"), " in ", plain(self._of.group.name, "bold"))

    def body(self) -> ComposeResult:
        """What is said of all, and the list."""
        yield Static(id="all")
        yield Rows(id="functions")

    def on_mount(self) -> None:
        """Keys move in the list."""
        self.query_one(Rows).focus()

    def show(self, look: Look, found: Found | None) -> None:
        """Fill the list."""
        if found is None:
            return
        listing, said = found
        more = f" (the newest {len(listing.rows):,})" if listing.more else ""
        self.query_one("#all", Static).update(plain(said + more))
        table = functions_table(listing.rows, look.at_ms, "There are none any more.")
        self.query_one(Rows).fill(lambda width: table)


def read_waiting_alike(of: OfShape) -> Reads[Found]:
    """Reads what waits for that, and why the first of it waits."""

    def read(sight: Sight) -> Found:
        listing = list_functions(sight.store, Wanted(shape=of.waiting.shape), MOST)
        reason = read_reasons(sight.store, [of.waiting]).get(of.waiting.shape)
        return listing, said_of_first(of.waiting, reason) or str(of.waiting)

    return read


def read_failed_alike(of: OfFailures) -> Reads[Found]:
    """Reads what has failed so."""

    def read(sight: Sight) -> Found:
        listing = list_functions(sight.store, Wanted(states=("failed",), name=of.group.name), MOST)
        rows = [row for row in listing.rows if (row.error or "unknown") == of.group.error]
        said = "; ".join(of.group.messages) or "They have failed without a message."
        return Listing(rows, listing.more, listing.looked_at), said

    return read
