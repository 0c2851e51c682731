"""The live picture of the demo, of plain data only: each node's use and what runs there, what waits, how it goes on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from handoff.words.resources import Amount

Use = Mapping[str, Mapping[str, tuple[Amount, Amount]]]
"""Node -> resource -> how much of it is in use, and its capacity."""

SHAPES_SHOWN = 3
"""Further waiting shapes are only counted: the picture must fit into 24 lines, or a terminal cuts it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A share of a whole, as wide as there is room; the same without colour, and in ASCII where it must be.

    Any use at all shows, and only a whole looks whole.
    """

    part: Amount
    whole: Amount
    style: str = "cyan"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        share = self.part / self.whole if self.whole else float(self.part > 0)
        filled = round(share * width)
        if 0 < share < 1 < width:
            filled = min(max(filled, 1), width - 1)
        filled = min(filled, width)
        full, empty = "#." if options.ascii_only else "█░"
        yield Text.assemble((full * filled, "red" if share > 1 else self.style), (empty * (width - filled), "dim"))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(4, options.max_width), options.max_width)


@dataclass(frozen=True, slots=True)
class Course:
    """How far it was when: from the start on the left until now on the right, full where all was done."""

    at_s: Sequence[float]
    """When each of them was done, in order."""
    whole: int
    until_s: float

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        steps = " .:=#" if options.ascii_only else " ▁▂▃▄▅▆▇█"
        done = [bisect_right(self.at_s, self.until_s * (i + 1) / width) for i in range(width)]
        # Any at all shows, and only the whole looks whole.
        signs = (steps[min(1, count) + max(0, count * (len(steps) - 1) // self.whole - 1)] for count in done)
        yield Text("".join(signs) if self.whole else "", "green", no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(min(4, options.max_width), options.max_width)


@dataclass(frozen=True, slots=True)
class Picture:
    """One moment of a run, for `rich` to show: bars on a terminal, plain lines elsewhere."""

    nodes: Use
    waiting: Sequence[tuple[str, int]]
    """A shape in words, and how many functions of it wait; the most important first."""
    done: int
    total: int
    step: str = "functions"
    """What is being done now, in a word."""
    elapsed_s: float = 0.0
    deferred: int = 0
    """Functions that take results which are not there yet."""
    running: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Node -> the functions that run there."""
    ended_s: Sequence[float] = ()
    """When each function ended that has, from the start on."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if console.is_terminal:
            yield use_table(self.nodes, {node: self.running.get(node, ()) for node in self.nodes})
            yield Text()
            yield from self._waiting()
            yield self._progress()
        else:
            yield Text(self.plain())

    def plain(self) -> str:
        """Say the same in lines: the progress, each node, what waits."""
        lines = [f"{_clock(self.elapsed_s)} {self.step}: {self.done} of {self.total} done"]
        for node, resources in self.nodes.items():
            used = ", ".join(f"{name} {_of(*use)}" for name, use in resources.items())
            lines.append(f"  {node}: {used}; runs {_listed(self.running.get(node, ()))}")
        lines.append("  waiting: " + ("; ".join(f"{count} for {shape}" for shape, count in self.waiting) or "nothing"))
        if self.deferred:
            lines.append(f"  deferred until others have ended: {self.deferred}")
        return "\n".join(lines)

    def _waiting(self) -> Iterator[Text]:
        if not self.waiting:
            yield Text("nothing waits", style="dim")
        for shape, count in self.waiting[:SHAPES_SHOWN]:
            line = Text.assemble((f"{count:>4}", "bold yellow"), " waiting for ", shape)
            line.no_wrap, line.overflow = True, "ellipsis"
            yield line
        if further := self.waiting[SHAPES_SHOWN:]:
            yield Text(f"{sum(count for _, count in further):>4} waiting for {len(further)} other shapes", style="dim")
        if self.deferred:
            yield Text(f"{self.deferred:>4} deferred until others have ended", style="dim")

    def _progress(self) -> Table:
        grid = _bars()
        rate = len(self.ended_s) / self.elapsed_s if self.elapsed_s else 0.0
        grid.add_row(Text("over time"), Course(self.ended_s, self.total, self.elapsed_s), Text(f"{rate:.1f} a second"))
        grid.add_row(
            Text(self.step, style="bold"),
            Bar(self.done, self.total, style="green"),
            Text(f"{self.done} of {self.total}  {_clock(self.elapsed_s)}"),
        )
        return grid


def use_table(nodes: Use, running: Mapping[str, Sequence[str]] | None = None) -> Table:
    """Lay out a line per node and resource: its name, a bar, the amounts; red where use passes capacity.

    With `running`, another one per node for what runs there.
    """
    grid = _bars(names=2)
    for node, resources in nodes.items():
        named = Text(node, style="bold")
        for name, (used, capacity) in resources.items():
            amounts = Text(_of(used, capacity), style="bold red" if used > capacity else "")
            grid.add_row(named, Text(name), Bar(used, capacity), amounts)
            named = Text()
        if running is not None:
            ids = running[node]
            what = Text(_listed(ids), style="yellow" if ids else "dim", no_wrap=True, overflow="ellipsis")
            grid.add_row(named, Text("runs"), what, Text(str(len(ids))))
    return grid


def _bars(names: int = 1) -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    for _ in range(names):
        grid.add_column(no_wrap=True, overflow="ellipsis", max_width=24)
    grid.add_column(ratio=1, no_wrap=True)
    grid.add_column(no_wrap=True, justify="right")
    return grid


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids) or "nothing"


def _of(used: Amount, capacity: Amount) -> str:
    return f"{used} of {capacity}"


def _clock(elapsed_s: float) -> str:
    minutes, seconds = divmod(int(elapsed_s), 60)
    return f"{minutes}:{seconds:02}"
