"""Plots of the last minutes, and a map of many nodes."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from handoff.dashboard.words import clock
from handoff.view.history import FAILURES, Second
from handoff.view.wording import number

WIDTH, HEIGHT = 400, 130
LEFT, BOTTOM, TOP = 30, 18, 8

STEP_S = 5
"""Seconds of one column."""


def rates_plot(series: Sequence[Second]) -> Markup:
    """Attempts that ended, in columns of some seconds; those that failed stand on top of the others."""
    columns = [series[i : i + STEP_S] for i in range(0, len(series), STEP_S)]
    ended = [sum(second.ended.total() for second in column) for column in columns]
    failed = [sum(second.ended[outcome] for second in column for outcome in FAILURES) for column in columns]
    top = _nice(max(ended, default=0) / STEP_S)
    high, wide = HEIGHT - TOP - BOTTOM, (WIDTH - LEFT) / max(1, len(columns))
    parts = []
    for place, (all_of_them, bad) in enumerate(zip(ended, failed, strict=True)):
        if not all_of_them:
            continue
        x, width = LEFT + place * wide + 0.5, max(1.0, wide - 1.5)
        tall = all_of_them / STEP_S / top * high
        bad_tall = bad / all_of_them * tall
        y = TOP + high - tall
        parts.append(_rect("ok", x, y + bad_tall, width, tall - bad_tall))
        if bad:
            parts.append(_rect("no", x, y, width, max(1.5, bad_tall)))
    lines = "".join(
        f'<path class="axis" d="M{LEFT} {y:.1f}H{WIDTH}"/>'
        f'<text x="{LEFT - 6}" y="{y + 3:.1f}" text-anchor="end">{said}</text>'
        for part in (0, 0.5, 1)
        for y, said in ((TOP + high * (1 - part), number(round(top * part, 2))),)
    )
    ticks = "".join(
        f'<text x="{LEFT + place * wide:.1f}" y="{HEIGHT - 4}">{clock(columns[place][0].at_s * 1000)[:5]}</text>'
        for place in range(0, len(columns), 12)
        if columns[place][0].at_s % 60 < STEP_S or place == 0
    )
    total, bad_total = sum(ended), sum(failed)
    label = (
        f"{number(total)} attempts ended in the last {len(series) // 60} minutes, {number(bad_total)} of them failed"
    )
    return Markup(
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"{lines}{ticks}{''.join(parts)}</svg>"
    )


def _nice(highest: float) -> float:
    """A round number that is not below it."""
    top = 1.0
    while top < highest:
        top *= 2 if f"{top:.0f}"[0] in "15" else 2.5
    return top


def _rect(kind: str, x: float, y: float, width: float, height: float) -> str:
    return f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


CELL = 12


def node_map(cells: Sequence[str], label: str) -> Markup:
    """A small square for each node; all of one class are one path, for there may be thousands."""
    across = min(60, max(12, round((len(cells) * 3) ** 0.5)))
    paths: dict[str, list[str]] = {}
    for place, kind in enumerate(cells):
        x, y = place % across * CELL, place // across * CELL
        paths.setdefault(kind, []).append(f"M{x} {y}h{CELL - 2}v{CELL - 2}h-{CELL - 2}z")
    rows = -(-len(cells) // across)
    drawn = "".join(f'<path class="{kind}" d="{"".join(squares)}"/>' for kind, squares in sorted(paths.items()))
    return (
        Markup(f'<svg class="map" viewBox="0 0 {across * CELL - 2} {rows * CELL - 2}" role="img">')
        + Markup("<title>{}</title>").format(label)
        + Markup(drawn + "</svg>")
    )
