"""How full a node was: what was in use of one resource over some time, as an area."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from handoff.dashboard.words import clock
from handoff.view.wording import number

WIDTH, HIGH, BOTTOM = 360, 64, 14


def area(points: Sequence[tuple[int, float]], since_ms: int, until_ms: int, capacity: float, name: str) -> Markup:
    """Draw how much was in use from each moment on."""
    scale, top = WIDTH / max(1, until_ms - since_ms), max(capacity, *(value for _, value in points), 1e-9)

    def y(value: float) -> float:
        return 2 + (HIGH - 2) * (1 - value / top)

    path, last = f"M0 {HIGH}", 0.0
    for at_ms, value in points:
        x = max(0.0, (at_ms - since_ms) * scale)
        path += f"L{x:.1f} {y(last):.1f}L{x:.1f} {y(value):.1f}"
        last = value
    path += f"L{WIDTH} {y(last):.1f}L{WIDTH} {HIGH}z"
    label = f"{name}: {number(last)} of {number(capacity)} in use now"
    return Markup('<svg class="plot" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">').format(
        w=WIDTH, h=HIGH + BOTTOM, label=label
    ) + Markup(
        f'<path class="axis" d="M0 2H{WIDTH}M0 {HIGH}H{WIDTH}"/><path class="ok" d="{path}"/>'
        f'<text x="0" y="{HIGH + 11}">{clock(since_ms)}</text>'
        f'<text x="{WIDTH}" y="{HIGH + 11}" text-anchor="end">{clock(until_ms)}</text></svg>'
    )
