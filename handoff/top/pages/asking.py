"""What lies over a page for a moment: a question before something is done, and the keys."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from handoff.top.actions import Asked
from handoff.top.table import plain

KEYS = (
    ("1 2 3 4 5", "overview, nodes, waiting, slowest, failures"),
    ("↑ ↓ PgUp PgDn", "choose a row; Home and End, j and k too"),
    ("Tab", "to the next list"),
    ("Enter", "open: a node, a shape, a function, failures"),
    ("Esc", "back; drops the filter first"),
    ("/", "show only rows that have a text in them"),
    ("d  u", "drain the node, undrain it"),
    ("c", "cancel the function"),
    ("r", "retry the function that has failed"),
    ("?  q", "these keys; quit"),
)


class Question(ModalScreen[bool]):
    """Asks whether something is to be done, and names what it is done to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes"),
        Binding("n,escape,ctrl+c", "answer(False)", "no"),
    ]

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self._asked = asked

    def compose(self) -> ComposeResult:
        """The question, what follows, and the two answers."""
        with Vertical(classes="over"):
            yield Static(plain(self._asked.question, "bold"))
            yield Static(plain(self._asked.action.tells))
            yield Static(Text.assemble("\n", (" y ", "bold reverse"), " yes    ", (" n ", "bold reverse"), " no"))

    def action_answer(self, does: bool) -> None:
        """Close it."""
        self.dismiss(does)


class Help(ModalScreen[None]):
    """The keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,question_mark,enter,q,ctrl+c", "dismiss(None)", "close")]

    def compose(self) -> ComposeResult:
        """One line each."""
        wide = max(len(keys) for keys, _ in KEYS) + 2
        lines = [Text.assemble((keys.ljust(wide), "bold"), does) for keys, does in KEYS]
        with Vertical(classes="over"):
            yield Static(
                Text("\n").join([Text("keys", "bold underline"), *lines, Text(), Text("esc closes this", "dim")])
            )
