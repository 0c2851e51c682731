"""The application: opens pages, shows each look on the one on top, and does what is asked and confirmed."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import redis
from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.message_pump import MessagePump

from handoff.client.cluster import Cluster
from handoff.errors import HandoffError
from handoff.top.actions import ACTIONS, Asked, asked_of
from handoff.top.pages.asking import Help, Question
from handoff.top.pages.function import FunctionPage
from handoff.top.pages.lists import Lists
from handoff.top.pages.node import NodePage
from handoff.top.pages.page import Pages
from handoff.top.pages.several import Several
from handoff.top.rows import Rows
from handoff.top.sight import Look, Reads, Sight
from handoff.top.subjects import OfFailures, OfFunction, OfNode, OfShape, Subject
from handoff.top.watching import Broken, Seen, Unseen, Watching

STYLE = """
Header { height: 4; }
Rows, VerticalScroll {
    scrollbar-background: ansi_default;
    scrollbar-background-hover: ansi_default;
    scrollbar-background-active: ansi_default;
    scrollbar-color: ansi_bright_black;
    scrollbar-color-hover: ansi_bright_black;
    scrollbar-color-active: ansi_bright_black;
}
Toast { background: ansi_default; }
Rows { height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
VerticalScroll { height: auto; padding: 0 1; scrollbar-size-vertical: 1; }
#said { dock: bottom; height: 4; margin-bottom: 1; padding: 0 1; border-top: solid ansi_bright_black; }
#all { height: auto; max-height: 5; padding: 0 1; }
#bars { max-height: 60%; }
#uses { text-wrap: nowrap; text-overflow: ellipsis; }
#function { max-height: 70%; }
#log { height: 1fr; border-top: solid ansi_bright_black; border-title-style: bold; }
#filter { dock: bottom; height: 1; }
Question, Help { align: center middle; }
.over { width: 64; max-width: 95%; height: auto; padding: 1 2; border: round $accent; }
.over Static { height: auto; }
"""


class Done(Message):
    """What came of an action."""

    def __init__(self, said: str, *, refused: bool) -> None:
        super().__init__()
        self.said, self.refused = said, refused


class Top(App[None]):
    """`handoff top` of one namespace."""

    CSS = STYLE
    TITLE = "handoff top"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "ask('drain')", "drain"),
        Binding("u", "ask('undrain')", "undrain"),
        Binding("c", "ask('cancel')", "cancel"),
        Binding("r", "ask('retry')", "retry"),
        Binding("question_mark", "help", "help", key_display="?"),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, cluster: Cluster, interval_s: float) -> None:
        # The terminal's own colours, and none of them where NO_COLOR is set.
        super().__init__(ansi_color=True)
        self.theme = "ansi-dark"
        self._cluster, self._interval_s = cluster, interval_s
        self._where = f"{cluster.namespace} at {cluster.store.address}"
        self._pages: list[Pages] = [Lists(self._where, interval_s)]
        self._look: Look | None = None
        self.watching = Watching(Sight(cluster), interval_s, self._wanted, self.post_message)

    def on_mount(self) -> None:
        """Show the lists, and begin to read."""
        self.push_screen(self._pages[0])
        self.watching.start()

    def on_unmount(self) -> None:
        """Read no more."""
        self.watching.stop()

    def _wanted(self) -> tuple[MessagePump, Reads[Any] | None]:
        page = self._pages[-1]
        return page, page.reads

    def on_seen(self, seen: Seen) -> None:
        """Show it on the page on top; at the end the pages go before what comes to them."""
        if not self.is_running:
            return
        self._look = seen.look
        page = self._pages[-1]
        page.see(seen.look, seen.found if seen.of is page else None)

    def on_unseen(self, unseen: Unseen) -> None:
        """Say so."""
        if not self.is_running:
            return
        self._pages[-1].miss(unseen.said, is_away=unseen.is_away)

    def on_broken(self, broken: Broken) -> None:
        """End with its traceback."""
        raise broken.error

    @on(Rows.Opened)
    def open(self, opened: Rows.Opened) -> None:
        """Open what the row is of."""
        if opened.row.subject is None:
            return
        page = self._page_of(opened.row.subject)
        self._pages.append(page)
        if self._look:
            page.see(self._look, None)
        self.push_screen(page, self._left)
        self.watching.hurry()

    def _page_of(self, subject: Subject) -> Pages:
        match subject:
            case OfNode():
                return NodePage(self._where, self._interval_s, subject)
            case OfFunction():
                return FunctionPage(self._where, self._interval_s, subject)
            case OfShape() | OfFailures():
                return Several(self._where, self._interval_s, subject)

    def _left(self, nothing: None) -> None:
        self._pages.pop()
        if self._look:
            self._pages[-1].see(self._look, None)

    def action_ask(self, name: str) -> None:
        """Ask before something is done, where there is what it can be done to."""
        asked = asked_of(name, self._pages[-1].subjects)
        if asked is None:
            self.notify(f"Choose a {ACTIONS[name].noun} first: there is none here to {name}.", severity="warning")
            return
        self.push_screen(Question(asked), lambda does: self._do(asked) if does else None)

    def _do(self, asked: Asked) -> None:
        """Beside the terminal, for Redis may take its time."""
        threading.Thread(target=self._done, args=(asked,), name=f"handoff-top-{asked.about}", daemon=True).start()

    def _done(self, asked: Asked) -> None:
        try:
            done = Done(asked.do(self._cluster), refused=False)
        except (HandoffError, redis.RedisError) as error:
            done = Done(str(error), refused=True)
        self.post_message(done)
        self.watching.hurry()

    def on_done(self, done: Done) -> None:
        """Say what came of it."""
        if not self.is_running:
            return
        self.notify(done.said, severity="error" if done.refused else "information", markup=False)

    def action_help(self) -> None:
        """Show the keys."""
        self.push_screen(Help())
