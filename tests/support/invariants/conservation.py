"""Invariant 4: no waiting function fits on a live node, unless a hold, or a `dirty` or `abandoned` mark, says why."""

from __future__ import annotations

from collections.abc import Mapping

from handoff.ledger.nodes import SHARED, Node
from handoff.words.resources import Units
from support.invariants.nodes import indexed
from support.invariants.shapes import Shape, allows, family, most, parse_hold, parse_shape, parts_of
from support.ledger import Ledger


def check_work_conservation(ledger: Ledger, nodes: list[Node]) -> None:
    dirty = ledger.get("dirty")
    if ledger.get("abandoned"):
        return
    for text, line in ledger.lines.items():
        head = next((id for id in line if ledger.waits(id, text)), None)
        if head is None:
            continue
        # Who comes behind the head is barred wherever the head is.
        shape, rank = parse_shape(text), ledger.get(f"shape:{text}")[head]
        if SHARED in dirty and shape.cost.keys() & ledger.shared.capabilities.keys():
            continue
        if not _has_tokens(ledger, shape, rank):
            continue
        for node in nodes:
            if node.name not in dirty:
                assert not _has_room(ledger, node, shape, rank), (text, line, node)


def _has_tokens(ledger: Ledger, shape: Shape, rank: float) -> bool:
    shared, (part, _) = ledger.shared, parts_of(ledger, shape)
    has = all(units <= shared.capabilities[name] - shared.used.get(name, 0) for name, units in part.items())
    return has and not _bars(ledger.get(f"node:{SHARED}"), part, rank)


def _has_room(ledger: Ledger, node: Node, shape: Shape, rank: float) -> bool:
    fields = ledger.nodes[node.name]
    _, cost = parts_of(ledger, shape)
    if not node.live or fields.keys() & {"over", "quiet", "draining"} or _bars(fields, cost, rank):
        return False
    free = indexed(node, is_idle=False)
    return allows(node, shape) and all(units <= most(free, name, units) for name, units in cost.items())


def _bars(fields: Mapping[str, str], cost: Units, rank: float) -> bool:
    hold = parse_hold(fields) if "hold" in fields else None
    return hold is not None and rank > hold.rank and not hold.lacks.isdisjoint(map(family, cost))
