"""Bars, devices and rates drawn with characters: each stands beside its figures, which say the same. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from handoff.view.fullness import part_of
from handoff.view.wording import compact
from handoff.why.use import Use
from handoff.words.resources import Amount

EIGHTHS = " ▏▎▍▌▋▊▉█"

LEVELS = "▁▂▃▄▅▆▇█"

NOTHING = "·"

SPAN_S = 10
"""Seconds of one character of a sparkline."""

MOST_DEVICES = 16
"""Of more devices of one node the others are left out of a table; the node's own page has all."""


def bar(part: float, width: int) -> Text:
    """A bar of so many characters, of which a part is full; what is over is told by its colour and its figures."""
    if part <= 0:
        return Text(NOTHING * width, "dim")
    # What is in use at all is seen, and only what is full looks full.
    eighths = min(width * 8, max(1, int(part * width * 8 + 1e-9)))
    full, rest = divmod(eighths, 8)
    filled = "█" * full + (EIGHTHS[rest] if rest else "")
    return Text.assemble((filled, _style(part)), (NOTHING * (width - len(filled)), "dim"))


def devices(used: Mapping[int, Amount], sizes: Mapping[int, Amount] | None) -> Text:
    """A character for each device, as high as it is used."""
    text = Text()
    for index, amount in list(used.items())[:MOST_DEVICES]:
        whole = float(sizes[index]) if sizes else 1.0
        part = float(amount) / whole if whole else 0.0
        text.append(level(part), _style(part) if part > 0 else "dim")
    if len(used) > MOST_DEVICES:
        text.append("…", "dim")
    return text


def level(part: float) -> str:
    """One character, as high as it is full."""
    return NOTHING if part <= 0 else LEVELS[min(len(LEVELS) - 1, max(0, int(part * len(LEVELS) + 1e-9) - 1))]


def use_cell(use: Use, width: int) -> Text:
    """Of one resource of a node the bar, or its devices, and how much of how much."""
    drawn = bar(part_of(use), width) if use.devices is None else devices(use.devices, use.sizes)
    drawn.append(" " * max(0, width - drawn.cell_len))
    return drawn.append(f" {compact(use.used)}/{compact(use.capacity)}")


def sparkline(values: Sequence[int], width: int, style: str) -> Text:
    """What happened second by second, some in one character; the newest at the right, the most is the highest."""
    width = min(width, len(values) // SPAN_S)
    if width <= 0:
        return Text()
    last = values[-SPAN_S * width :]
    sums = [sum(last[i : i + SPAN_S]) for i in range(0, len(last), SPAN_S)]
    most = max(sums)
    text = Text()
    for value in sums:
        text.append(level(value / most) if value else NOTHING, style if value else "dim")
    return text


def _style(part: float) -> str:
    if part > 1:
        return "bold red"
    return "yellow" if part >= 1 else "cyan"
