"""Going over all lines: what says who their heads are, and whether one of these could start."""

from __future__ import annotations

from collections.abc import Iterator

from handoff.doctor.demand import Wanted, allows, wanted
from handoff.doctor.look_lines import (
    look_at_able,
    look_at_line,
    look_at_nearest,
    look_at_room,
    look_at_spots,
    real_head,
)
from handoff.doctor.look_nodes import Restless, look_at_count
from handoff.doctor.pages import pairs_of, plain
from handoff.doctor.slices import text
from handoff.doctor.values import indexed, most
from handoff.doctor.walk import Found, Walk
from handoff.ledger.nodes import SHARED, Node

MOST_CANDIDATES = 8
"""Nodes on which a line seemed to fit a moment ago that are looked at, of each line."""


def walk_lines(walk: Walk) -> Found:
    """Every line that anything names."""
    store = walk.store
    planes = {text(name): text(count) for name, count in pairs_of(store, "HSCAN", store.keys("planes"))}
    able = {text(shape) for shape, _ in pairs_of(store, "HSCAN", store.keys("able"))}
    for shape in _named(walk):
        if shape in walk.lines:
            continue
        walk.on_step("lines")
        walk.lines.add(shape)
        try:
            yield from look_at_line(store, shape)
            if shape in able:
                yield from look_at_able(store, shape, planes)
        except Restless:
            walk.restless.append(("line", shape))
    for raw, _ in pairs_of(store, "HSCAN", store.keys("nearest")):
        try:
            yield from look_at_nearest(store, text(raw), planes)
        except Restless:
            walk.restless.append(("nearest", text(raw)))
    yield from look_at_spots(store)
    for raw, _ in pairs_of(store, "HSCAN", store.keys("shape_terms")):
        yield from look_at_count(store, "term", text(raw))


def _named(walk: Walk) -> Iterator[str]:
    store = walk.store
    for command, key in (("ZSCAN", "shapes"), ("ZSCAN", "fronts"), ("HSCAN", "notes"), ("HSCAN", "able")):
        for raw, _ in pairs_of(store, command, store.keys(key)):
            yield text(raw)


def walk_room(walk: Walk) -> Found:
    """Whether a head could start on a node that has the room."""
    store = walk.store
    shared = plain(store, "HKEYS", store.keys("node", SHARED)) or ()
    of_all = {text(name).partition("cap:")[2] for name in shared}
    rooms = [(seen.node, indexed(seen.node, is_idle=False)) for seen in walk.nodes.values() if _may_take(seen.fields)]
    largest: dict[str, int] = {}
    for _, free in rooms:
        for name, units in free.items():
            largest[name] = max(units, largest.get(name, 0))
    for shape in sorted(walk.lines):
        walk.on_step("room")
        candidates = _fitting(shape, rooms, largest, of_all)
        head = real_head(store, shape) if candidates else None
        for node in candidates if head else ():
            yield from look_at_room(store, shape, head or "", node.name)


def _may_take(fields: dict[str, str]) -> bool:
    return fields.get("state") == "up" and not fields.keys() & {"over", "quiet", "draining", "cordoned"}


def _fitting(
    text: str, rooms: list[tuple[Node, dict[str, int]]], largest: dict[str, int], of_all: set[str]
) -> list[Node]:
    try:
        shape: Wanted = wanted(text)
    except ValueError:
        return []
    cost = {name: units for name, units in shape.cost.items() if name not in of_all}
    found: list[Node] = []
    if all(units <= most(largest, name, units) for name, units in cost.items()):
        for node, free in rooms:
            if all(units <= most(free, name, units) for name, units in cost.items()) and allows(node, shape):
                found.append(node)
                if len(found) == MOST_CANDIDATES:
                    break
    return found
