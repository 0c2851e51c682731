"""One function: why it stands where it does, its times, what came of it, and the last that it has printed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from handoff.errors import HandoffError
from handoff.ledger.logs import read_logs
from handoff.top.bars import bar
from handoff.top.lists import state_cell
from handoff.top.pages.page import Page
from handoff.top.sight import Look, Reads, Sight
from handoff.top.subjects import OfFunction
from handoff.top.table import plain
from handoff.view.detail import Detail, read_detail
from handoff.view.wording import seconds
from handoff.words.times import span

LAST_LINES = 200
"""Of what it has printed."""

BAR = 20

Found = tuple[Detail, list[str]]
"""What is known of it, and the last lines that it has printed."""


class FunctionPage(Page[Found]):
    """One function."""

    def __init__(self, where: str, interval_s: float, of: OfFunction) -> None:
        super().__init__(where, interval_s)
        self._of = of
        self._detail: Detail | None = None

    @property
    def about(self) -> OfFunction:
        """The function."""
        return self._of

    @property
    def reads(self) -> Reads[Found]:
        """All that is known of it."""

        def read(sight: Sight) -> Found:
            printed = read_logs(sight.store, self._of.id)
            return read_detail(sight.store, self._of.id), printed.splitlines()[-LAST_LINES:]

        return read

    @property
    def heading(self) -> Text:
        """What it calls, and its state."""
        name = self._detail.name if self._detail else ""
        title = Text.assemble(" function ", plain(name or self._of.id, "bold"), "  ")
        return title.append_text(state_cell(self._detail.state)) if self._detail else title

    def body(self) -> ComposeResult:
        """What is known of it above, what it has printed below."""
        with VerticalScroll(id="function"):
            yield Static(id="facts")
        with VerticalScroll(id="log"):
            yield Static(id="printed")

    def on_mount(self) -> None:
        """Keys scroll what it has printed, of which the end is seen."""
        self.query_one("#said").display = False
        log = self.query_one("#log")
        log.border_title = "printed"
        log.anchor()
        log.focus()

    def show(self, look: Look, found: Found | None) -> None:
        """Write it."""
        if found is None:
            return
        self._detail, printed = found
        self.retitle()
        self.query_one("#facts", Static).update(facts_of(self._detail, look.at_ms))
        text = _lines(printed) if printed else Text("It has printed nothing.", "dim")
        self.query_one("#printed", Static).update(text)

    def say_gone(self, error: HandoffError) -> None:
        """Nothing is kept of it any more, or it cannot be read."""
        self.query_one("#facts", Static).update(plain(str(error), "red"))


def facts_of(detail: Detail, at_ms: int) -> Text:
    """Why it stands there, when what befell it, and what came of it."""
    parts = [plain(detail.why.text, "bold"), Text()]
    parts += [Text.assemble((name.ljust(11), "dim"), plain(told)) for name, told in _facts(detail, at_ms) if told]
    if detail.progress:
        said = plain(f"{detail.progress.fraction:.0%} {detail.progress.message or ''}")
        parts.append(Text.assemble(("progress".ljust(11), "dim"), bar(detail.progress.fraction, BAR), " ", said))
    if detail.error:
        parts += [Text(), plain(f"{detail.error}: {detail.message or ''}", "bold red")]
    if detail.traceback:
        parts.append(_lines(detail.traceback.splitlines()))
    return Text("\n").join(parts)


def _lines(texts: Sequence[str]) -> Text:
    return Text("\n").join(map(_line, texts))


def _line(text: str) -> Text:
    """A line as it was written, without what a terminal would act on."""
    return Text("".join(char if char.isprintable() else " " for char in text.expandtabs()))


def _facts(detail: Detail, at_ms: int) -> list[tuple[str, str]]:
    devices = ", ".join(f"{name} {' '.join(map(str, held))}" for name, held in detail.devices.items())
    left = f", and {detail.arguments.left_out} more" if detail.arguments.left_out else ""
    given = [*detail.arguments.args, *(f"{name}={value}" for name, value in detail.arguments.kwargs.items())]
    began, ended = detail.started_at, detail.ended_at
    took = (ended - began).total_seconds() if began and ended and ended >= began else None
    where = f"{detail.node} ({devices})" if detail.node and devices else detail.node or ""
    return [
        ("id", detail.id),
        ("function", detail.function_id if detail.function_id != detail.id else ""),
        ("run", detail.run or ""),
        ("arguments", detail.arguments.instead or ", ".join(given) + left),
        ("node", where),
        ("attempt", f"{detail.attempts} of {detail.retries + 1}" if detail.attempts else ""),
        ("submitted", _moment(detail.created_at, at_ms)),
        ("waits since", _moment(detail.since, at_ms)),
        ("placed", _moment(detail.enqueued_at, at_ms)),
        ("started", _moment(began, at_ms)),
        ("ended", _moment(ended, at_ms) + (f", took {seconds(took)}" if took is not None else "")),
        ("result", detail.result or ""),
    ]


def _moment(moment: datetime | None, at_ms: int) -> str:
    if moment is None:
        return ""
    ago_s = at_ms / 1000 - moment.timestamp()
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" + (f", {span(ago_s)} ago" if ago_s >= 0 else "")
