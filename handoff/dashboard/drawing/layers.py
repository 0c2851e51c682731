"""A graph drawn from left to right: each function to the right of those whose results it takes. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from handoff.graph.vertex import Vertex, shown

MOST_DRAWN = 300
"""Functions that are drawn one by one; more are counted by their levels and names."""

MOST_IN_LEVEL = 60

WIDE, HIGH, ACROSS, DOWN = 158, 40, 56, 12
"""Of a box, and between boxes."""

SWEEPS = 6
"""How often the levels are put in order by their neighbours: more changes next to nothing."""

LONGEST_NAME = 20


@dataclass(frozen=True)
class Level:
    """What stands in one level under one name, counted."""

    number: int  #: from 1
    name: str  #: with `*` in place of what tells them apart
    counts: Mapping[str, int]  #: by state

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def state_of(vertex: Vertex) -> str:
    """Its state, with what no node could hold as a state of its own."""
    return "infeasible" if vertex.infeasible else vertex.state


def levels_of(vertices: Sequence[Vertex]) -> list[int]:
    """Of each how many stand in a row in front of it, at most. What takes results is added behind what gives them."""
    found: list[int] = [-1] * len(vertices)
    for start in range(len(vertices)):
        left = [start]
        while left:
            index = left[-1]
            open_args = [arg for arg in vertices[index].args if found[arg] < 0]
            if found[index] < 0 and open_args:
                left += open_args
                continue
            left.pop()
            if found[index] < 0:
                found[index] = max((found[arg] + 1 for arg in vertices[index].args), default=0)
    return found


def is_small(vertices: Sequence[Vertex]) -> bool:
    """Whether it can be drawn so that somebody sees something."""
    if len(vertices) > MOST_DRAWN:
        return False
    return max(Counter(levels_of(vertices)).values(), default=0) <= MOST_IN_LEVEL


def summed(vertices: Sequence[Vertex]) -> list[Level]:
    """What stands in each level, by name: `features-*`."""
    counts: dict[tuple[int, str], Counter[str]] = {}
    for vertex, level in zip(vertices, levels_of(vertices), strict=True):
        name = re.sub(r"\d+", "*", shown(vertex.id))
        counts.setdefault((level, name), Counter())[state_of(vertex)] += 1
    return [Level(level + 1, name, found) for (level, name), found in sorted(counts.items())]


def draw(vertices: Sequence[Vertex], links: Mapping[int, str], marks: Mapping[str, str]) -> Markup:
    """Draw it; `links` has of each the address of its page, `marks` of each state its mark, as SVG."""
    columns = _in_order(vertices, levels_of(vertices))
    tallest = max(map(len, columns), default=0)
    width = len(columns) * (WIDE + ACROSS) - ACROSS + 4
    height = tallest * (HIGH + DOWN) - DOWN + 4
    places = {}
    for column, members in enumerate(columns):
        top = (height - len(members) * (HIGH + DOWN) + DOWN) / 2
        for row, index in enumerate(members):
            places[index] = (2 + column * (WIDE + ACROSS), top + row * (HIGH + DOWN))
    edges = "".join(
        _edge(places[source], places[index])
        for index, vertex in enumerate(vertices)
        for source in dict.fromkeys(vertex.args)
    )
    boxes = Markup("").join(
        _box(vertex, places[index], links.get(index, ""), marks) for index, vertex in enumerate(vertices)
    )
    return (
        Markup(f'<svg class="graph" viewBox="0 0 {width} {height:.0f}" width="{width}" height="{height:.0f}">')
        + Markup(f'<g aria-hidden="true">{edges}</g>')
        + boxes
        + Markup("</svg>")
    )


def _in_order(vertices: Sequence[Vertex], levels: Sequence[int]) -> list[list[int]]:
    """The columns, each in an order in which few edges cross: by where those stand with which it is joined."""
    columns: list[list[int]] = [[] for _ in range(max(levels, default=-1) + 1)]
    for index, level in enumerate(levels):
        columns[level].append(index)
    after: dict[int, list[int]] = {index: [] for index in range(len(vertices))}
    for index, vertex in enumerate(vertices):
        for source in vertex.args:
            after[source].append(index)
    for sweep in range(SWEEPS):
        place = {index: row / max(1, len(column) - 1) for column in columns for row, index in enumerate(column)}
        for column in columns if sweep % 2 == 0 else reversed(columns):
            joined = {index: vertices[index].args if sweep % 2 == 0 else after[index] for index in column}
            column.sort(key=lambda index: _middle([place[each] for each in joined[index]], place[index]))
            place |= {index: row / max(1, len(column) - 1) for row, index in enumerate(column)}
    return columns


def _middle(places: Sequence[float], own: float) -> float:
    return sum(places) / len(places) if places else own


def _edge(source: tuple[float, float], target: tuple[float, float]) -> str:
    x1, y1, x2, y2 = source[0] + WIDE, source[1] + HIGH / 2, target[0], target[1] + HIGH / 2
    bend = max(20.0, (x2 - x1) / 2)
    way = f"M{x1:.0f} {y1:.1f}C{x1 + bend:.0f} {y1:.1f} {x2 - bend:.0f} {y2:.1f} {x2:.0f} {y2:.1f}"
    return f'<path class="edge" d="{way}"/>'


def _box(vertex: Vertex, place: tuple[float, float], link: str, marks: Mapping[str, str]) -> Markup:
    x, y = place
    state, name = state_of(vertex), shown(vertex.id)
    said = f"{state} on {vertex.node}" if vertex.node else state
    short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    inner = Markup(
        '<title>{name}: {said}</title><rect class="box" x="{x}" y="{y}" width="{w}" height="{h}" rx="7"/>'
        '<g transform="translate({mx} {my})" class="s-{state}"><g class="mark">{mark}</g></g>'
        '<text x="{tx}" y="{ty}">{short}</text><text class="sub" x="{tx}" y="{sy}">{said}</text>'
    ).format(
        name=name, said=said, x=f"{x:.0f}", y=f"{y:.1f}", w=WIDE, h=HIGH, mx=f"{x + 9:.0f}", my=f"{y + 7:.1f}",
        state=state, mark=Markup(marks.get(state, "")), tx=f"{x + 29:.0f}", ty=f"{y + 17:.1f}", sy=f"{y + 31:.1f}",
        short=short,
    )  # fmt: skip
    if not link:
        return Markup('<g class="v-{}">{}</g>').format(state, inner)
    return Markup('<a href="{}" class="v-{}">{}</a>').format(escape(link), state, inner)
