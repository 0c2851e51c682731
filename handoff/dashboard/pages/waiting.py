"""What waits for room, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handoff.dashboard.page import Asked, address
from handoff.dashboard.sight import Sight
from handoff.view.overview import Waiting
from handoff.view.reasons import Reason
from handoff.view.wording import short_id, short_name
from handoff.why.explanation import Explanation
from handoff.words.times import span

MOST_SHAPES = 60
"""Kinds of what waits that are shown, each with its sentence; all are counted."""


def waiting(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """All kinds of what waits, as many as are explained."""
    overview = sight.overview()
    shown = overview.shapes[:MOST_SHAPES]
    rows = rows_of(shown, sight.reasons(shown), asked.root)
    return {"overview": overview, "rows": rows, "left_out": len(overview.shapes) - len(rows)}


def rows_of(shapes: Sequence[Waiting], reasons: Mapping[str, Reason], root: str) -> list[dict[str, Any]]:
    """One row for each kind."""
    return [_row(shape, reasons.get(shape.shape), root) for shape in shapes]


def links_of(why: Explanation, root: str) -> dict[str, str]:
    """The functions that its sentence may name, with the addresses of their pages."""
    open_ones = (why.dependencies or {}).get("open", ())
    named = [*why.holders, *why.holds, *(why.smallest_change or {}).get("functions", ()), *open_ones]
    return {id: address(root, f"/functions/{each['id']}") for each in named if (id := each["function_id"])}


def _row(shape: Waiting, reason: Reason | None, root: str) -> dict[str, Any]:
    text, change = reason.beside(shape) if reason else ("has just gone", "")
    return {
        "infeasible": shape.infeasible,
        "count": shape.count,
        "cost": shape.cost,
        "pinned": shape.node,
        "where": shape.where,
        "second_choice": shape.second_choice,
        "text": text,
        "change": change,
        "links": links_of(reason.why, root) if reason else {},
        "age": "" if shape.waited_s is None else span(shape.waited_s),
        "first": short_name(reason.name) if reason else "",
        "first_id": short_id(reason.why.function_id) if reason else "",
        "first_url": address(root, f"/functions/{reason.why.id}") if reason else "",
        "url": address(root, "/functions", shape=shape.shape),
    }
