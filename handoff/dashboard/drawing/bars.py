"""Bars: how much of something is in use, and by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handoff.dashboard.drawing.colours import Palette
from handoff.view.held import Holder
from handoff.view.wording import number
from handoff.why.use import Use, devices_in_words
from handoff.words.resources import Amount

GAP = 0.7
"""Between two parts of a bar, of its 100."""

MOST_PARTS = 40
"""Of one bar: below that they are too thin to be seen."""


@dataclass(frozen=True)
class Bar:
    """One resource of a node, or one device of it."""

    name: str
    text: str  #: how much is in use of how much
    label: str  #: the same for who does not see it
    segments: list[dict[str, Any]]


def bars_of(uses: Mapping[str, Use], holders: Sequence[Holder], palette: Palette) -> list[Bar]:
    """Every resource as a bar; one that consists of devices as one bar with a part for each."""
    return [_bar(name, use, holders, palette) for name, use in uses.items()]


def _bar(name: str, use: Use, holders: Sequence[Holder], palette: Palette) -> Bar:
    text = f"{number(use.used)} / {number(use.capacity)}"
    if use.devices:
        segments = _devices(name, use, holders, palette)
        return Bar(name, text, f"{name}: {text} in use, {devices_in_words(use)}", segments)
    holding = [(holder, holder.amounts.get(name, 1 if name == "slots" else 0)) for holder in holders]
    given = [(who, what) for who, what in holding if what]
    segments = _segments(use.used, use.capacity, given, palette, name, 0.0, 100.0)
    return Bar(name, text, f"{name}: {text} in use", segments)


def _devices(name: str, use: Use, holders: Sequence[Holder], palette: Palette) -> list[dict[str, Any]]:
    devices = use.devices or {}
    width = 100 / len(devices)
    gap = min(2.0, width / 6)
    found: list[dict[str, Any]] = []
    for place, (index, used) in enumerate(devices.items()):
        holding = [(holder, holder.devices.get(name, {}).get(index, 0)) for holder in holders]
        size: Amount = (use.sizes or {}).get(index, 1)
        left, wide = place * width, width - (gap if place < len(devices) - 1 else 0)
        given = [(who, what) for who, what in holding if what]
        found += _segments(used, size, given, palette, f"{name} {index}", left, wide)
        if place < len(devices) - 1:
            found.append(_part("cut", left + wide, gap, ""))
    return found


def _segments(
    used: Amount,
    capacity: Amount,
    holding: Sequence[tuple[Holder, Amount]],
    palette: Palette,
    name: str,
    left: float,
    wide: float,
) -> list[dict[str, Any]]:
    """A part for each holder; what is used by more than are known, or than there is room for, in one part."""
    whole = max(float(capacity), float(used))
    if whole <= 0:
        return []
    found, x, end = [], left, left + float(used) / whole * wide
    for holder, what in holding[:MOST_PARTS]:
        # Who holds it is read a moment after how much is: who has come meanwhile is not drawn yet.
        width = min(float(what) / whole * wide, end - x)
        if width <= 0:
            break
        kind = palette.colour(holder.name or holder.function_id)
        shown = max(width - GAP, width / 2)
        found.append(_part(kind, x, shown, f"{name} {what}: {holder.name or 'claim'} {holder.function_id}".strip()))
        x += width
    rest = end - x
    if rest > 0.05:
        found.append(
            _part("fill full" if used >= capacity else "fill", x, rest, f"{name}: {used} of {capacity} in use")
        )
    return found


def _part(kind: str, x: float, width: float, title: str) -> dict[str, Any]:
    return {"class": kind, "x": f"{x:.2f}", "width": f"{width:.2f}", "title": title}
