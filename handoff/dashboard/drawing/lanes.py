"""Who ran what when: a lane for each function that a node runs at once; a gap where nothing ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from handoff.dashboard.drawing.colours import Palette
from handoff.dashboard.words import clock
from handoff.view.history import FAILURES, Span
from handoff.view.wording import plural, seconds, short_name

WIDTH, LEFT, TOP, BOTTOM = 1160, 120, 4, 20
LANE, GAP, BETWEEN = 9, 2, 10
MOST_LANES = 24
"""Of one node; what runs beside so many is not drawn, and said to be left out."""

MOST_SINGLE = 400
"""Attempts that have an element, and so a name, of their own; of more those of one colour are one path."""

SHORTEST = 1.2


@dataclass(frozen=True)
class Stream:
    """The picture, and what it does not show."""

    svg: Markup
    names: list[str]  #: of what is drawn, the most frequent first
    left_out: int


def stream(
    spans: Sequence[Span],
    nodes: Sequence[str],
    since_ms: int,
    until_ms: int,
    palette: Palette,
    links: Mapping[str, str],
) -> Stream:
    """Draw what ran on these nodes between two moments; `links` has of each job the address of its page."""
    by_node: dict[str, list[Span]] = {node: [] for node in nodes}
    for span in spans:
        if span.node in by_node and (span.end_ms or until_ms) >= since_ms:
            by_node[span.node].append(span)
    scale = (WIDTH - LEFT) / max(1, until_ms - since_ms)
    y, parts, drawn, left_out = float(TOP), [], [], 0
    for node, ran in by_node.items():
        lanes, missed = _in_lanes(ran, until_ms)
        left_out += missed
        high = max(1, len(lanes)) * (LANE + GAP) + GAP
        name = node if len(node) <= 17 else f"{node[:16]}…"
        parts.append(
            Markup('<text class="name" x="0" y="{}">{}</text>').format(f"{y + min(high, 16) - 3:.0f}", name)
            + Markup(f'<rect class="lane" x="{LEFT}" y="{y:.0f}" width="{WIDTH - LEFT}" height="{high}" rx="2"/>')
        )
        for row, lane in enumerate(lanes):
            for span in lane:
                left = LEFT + max(0.0, (span.start_ms - since_ms) * scale)
                right = LEFT + min(float(WIDTH - LEFT), ((span.end_ms or until_ms) - since_ms) * scale)
                drawn.append((span, left, y + GAP + row * (LANE + GAP), max(SHORTEST, right - left)))
        y += high + BETWEEN
    tall = y + BOTTOM - BETWEEN + 4
    single = len(drawn) <= MOST_SINGLE
    body = _single(drawn, until_ms, palette, links) if single else _merged(drawn, palette)
    svg = (
        Markup(f'<svg class="plot" viewBox="0 0 {WIDTH} {tall:.0f}" role="img"><title>')
        + f"{plural(len(drawn), 'attempt')} on {plural(len(nodes), 'node')} from {clock(since_ms)} to {clock(until_ms)}"
        + Markup("</title>")
        + Markup("").join(parts)
        + body
        + _axis(since_ms, until_ms, scale, tall)
        + Markup("</svg>")
    )
    counts: dict[str, int] = {}
    for span, *_ in drawn:
        counts[span.name] = counts.get(span.name, 0) + 1
    return Stream(svg, sorted(counts, key=lambda name: -counts[name]), left_out)


def _in_lanes(spans: Sequence[Span], until_ms: int) -> tuple[list[list[Span]], int]:
    """Each into the first lane that is free at its start. -> the lanes, and how many found none"""
    lanes: list[list[Span]] = []
    free_ms: list[int] = []
    missed = 0
    for span in sorted(spans, key=lambda each: each.start_ms):
        end_ms = span.end_ms or until_ms
        lane = next((i for i, free in enumerate(free_ms) if free <= span.start_ms), None)
        if lane is not None:
            lanes[lane].append(span)
            free_ms[lane] = end_ms
        elif len(lanes) < MOST_LANES:
            lanes.append([span])
            free_ms.append(end_ms)
        else:
            missed += 1
    return lanes, missed


def _single(
    drawn: Sequence[tuple[Span, float, float, float]], until_ms: int, palette: Palette, links: Mapping[str, str]
) -> Markup:
    parts = []
    for span, x, y, width in drawn:
        took = seconds(((span.end_ms or until_ms) - span.start_ms) / 1000)
        said = f"{short_name(span.name) or span.function_id}, {span.outcome or 'runs'}, {took}, attempt {span.attempt}"
        box = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
            palette.colour(span.name), f"{x:.1f}", f"{y:.0f}", f"{width:.1f}", LANE, said
        )
        # A stop of the keyboard's for each attempt would be in the way: functions are listed elsewhere.
        parts.append(
            Markup('<a href="{}" tabindex="-1">{}</a>').format(links[span.job_id], box) if span.job_id in links else box
        )
        if span.outcome in FAILURES:
            parts.append(Markup(f'<path class="cross" d="{_cross(x + width, y)}"/>'))
    return Markup("").join(parts)


def _merged(drawn: Sequence[tuple[Span, float, float, float]], palette: Palette) -> Markup:
    paths: dict[str, list[str]] = {}
    crosses = []
    for span, x, y, width in drawn:
        paths.setdefault(palette.colour(span.name), []).append(f"M{x:.1f} {y:.0f}h{width:.1f}v{LANE}h-{width:.1f}z")
        if span.outcome in FAILURES:
            crosses.append(_cross(x + width, y))
    found = [f'<path class="{kind}" d="{"".join(boxes)}"/>' for kind, boxes in paths.items()]
    return Markup("".join([*found, f'<path class="cross" d="{"".join(crosses)}"/>']))


def _cross(right: float, y: float) -> str:
    """At the end of an attempt that failed."""
    return f"M{right - 3:.1f} {y + 1:.0f}l6 {LANE - 2}m0 -{LANE - 2}l-6 {LANE - 2}"


def _axis(since_ms: int, until_ms: int, scale: float, high: float) -> Markup:
    step_ms = next(step for step in (5_000, 15_000, 60_000, 300_000) if (until_ms - since_ms) / step <= 12)
    ticks = range(-(-since_ms // step_ms) * step_ms, until_ms, step_ms)
    drawn = (
        f'<path class="axis" d="M{LEFT + (tick - since_ms) * scale:.0f} {high - BOTTOM - 2:.0f}v5"/>'
        f'<text x="{LEFT + (tick - since_ms) * scale:.0f}" y="{high - 4:.0f}" text-anchor="middle">{clock(tick)}</text>'
        for tick in ticks
        if (tick - since_ms) * scale > 24 and (until_ms - tick) * scale > 24
    )
    return Markup("".join(drawn))
