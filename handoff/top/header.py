"""The lines on top: whose namespace, how current, what stands where, and how much happens."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.text import Text
from textual.widget import Widget

from handoff.top.bars import sparkline
from handoff.top.sight import Look
from handoff.top.table import CUT, plain
from handoff.view.history import FAILURES, Second
from handoff.view.overview import Overview
from handoff.view.wording import number, rate, seconds
from handoff.words.times import span, utc

LATE_AFTER = 3
"""Intervals without a look, after which it is said how old is what is shown."""


class Header(Widget):
    """Four lines, the last of which names the pages."""

    def __init__(self, where: str, interval_s: float) -> None:
        super().__init__()
        self._where, self._interval_s = where, interval_s
        self._look: Look | None = None
        self._seen_s = time.monotonic()
        self._away, self._missed = "", ""
        self.pages: Text = Text()

    def on_mount(self) -> None:
        """How old it is becomes more by itself."""
        self.set_interval(1.0, self.refresh)

    def see(self, look: Look) -> None:
        """Show this."""
        self._look, self._seen_s, self._away = look, time.monotonic(), ""
        self._missed = ""
        self.refresh()

    def miss(self, said: str, *, is_away: bool) -> None:
        """Say that nothing could be read, and why."""
        self._away = "Redis is away" if is_away else "cannot be read"
        self._missed = said
        self.refresh()

    def name_pages(self, pages: Text) -> None:
        """Say which pages there are."""
        self.pages = pages
        self.refresh()

    def render(self) -> Text:
        """All four."""
        width = self.size.width
        lines = [self._title(width), self._counts(width), self._rates(width), self.pages.copy()]
        for line in lines:
            line.truncate(width, overflow="ellipsis")
        return Text("\n", no_wrap=True).join(lines)

    def _title(self, width: int) -> Text:
        age_s = time.monotonic() - self._seen_s
        if self._away:
            state = Text(f" {self._away}{f', seen {span(age_s)} ago' if self._look else ''} ", "bold red reverse")
        elif self._look is None:
            state = Text("reading " + CUT, "dim")
        elif age_s > LATE_AFTER * max(1.0, self._interval_s):
            state = Text(f" slow: seen {span(age_s)} ago ", "bold yellow reverse")
        else:
            state = Text(f"{utc(self._look.at_ms):%H:%M:%S} UTC", "dim")
        title = Text.assemble((" handoff top ", "bold reverse"), " ", plain(self._where))
        title.truncate(max(0, width - state.cell_len - 2), overflow="ellipsis")
        title.append(" " * max(1, width - title.cell_len - state.cell_len - 1))
        return title.append_text(state)

    def _counts(self, width: int) -> Text:
        """As many figures as fit, what an operator looks for first."""
        text = Text()
        for label, value, style in _figures(self._look.overview) if self._look else ():
            figure = Text.assemble("  " if text else " ", (f"{label} ", "dim"), (value, style))
            if text.cell_len + figure.cell_len > width - 2:
                return text.append(f" {CUT}", "dim")
            text.append_text(figure)
        return text

    def _rates(self, width: int) -> Text:
        if self._missed:
            return plain(f" trying again: {self._missed}", "red")
        if self._look is None:
            return Text()
        rates, series = self._look.rates, self._look.series
        told = (
            ("started", rates.started, [second.started for second in series], "cyan"),
            ("finished", rates.finished, [second.ended["finished"] for second in series], "green"),
            ("failed", rates.failed, _failed(series), "red"),
        )
        figures = [Text.assemble((f" {name} ", "dim"), (f"{rate(value)}/s", "bold"), " ") for name, value, _, _ in told]
        waited = Text()
        if rates.wait_s is not None:
            waited = Text.assemble((" waited ", "dim"), (seconds(rates.wait_s), "bold"))
        room = width - 1 - waited.cell_len - sum(figure.cell_len + 1 for figure in figures)
        text = Text()
        for figure, (_, _, values, style) in zip(figures, told, strict=True):
            text.append_text(figure).append_text(sparkline(values, room // len(told), style)).append(" ")
        return text.append_text(waited)


def _figures(found: Overview) -> list[tuple[str, str, str]]:
    """What is told in figures: a label, the figure, its style. What is 0 of what seldom is anything is left out."""
    nodes = ", ".join(f"{number(count)} {state}" for state, count in found.nodes.items() if count) or "none"
    figures = [("nodes", nodes, "bold")]
    if found.infeasible:
        figures.append(("infeasible", number(found.infeasible), "bold red"))
    figures += [("waiting", number(found.waiting), "bold")]
    if found.oldest:
        figures.append(("for", span(found.oldest.waited_s), "bold"))
    figures.append(("running", number(found.started), "bold"))
    for label in ("queued", "failed", "delayed", "deferred"):
        if count := getattr(found, label):
            figures.append((label, number(count), "bold"))
    return figures


def _failed(series: Sequence[Second]) -> list[int]:
    return [sum(second.ended[outcome] for outcome in FAILURES) for second in series]
