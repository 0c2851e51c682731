"""Runs of graphs: all of them, and one, drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from handoff.client.run_summary import RunSummary
from handoff.dashboard.drawing.layers import draw, is_small, state_of, summed
from handoff.dashboard.drawing.marks import MARKS
from handoff.dashboard.page import Asked, Missing, address
from handoff.dashboard.sight import Sight
from handoff.dashboard.words import ago, percent
from handoff.errors import UnknownRun
from handoff.graph.vertex import INLINE, Vertex, shown

MOST_RUNS = 100

MOST_LISTED = 200
"""Functions of a run in its table."""

ORDER = ("finished", "started", "queued", "waiting", "infeasible", "delayed", "failed", "canceled", "gone", "deferred")
"""Of the parts of a bar."""


def runs(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """The runs that are kept, the newest first."""
    now_ms = sight.history().window.now_ms
    found = sight.share("runs", lambda: sight.cluster.runs(MOST_RUNS))
    return {"rows": [_row(run, now_ms, asked.root) for run in found], "most": MOST_RUNS}


def _row(run: RunSummary, now_ms: int, root: str) -> dict[str, Any]:
    begun_ms = run.created_at.timestamp() * 1000
    until_ms = now_ms if run.ended_at is None else run.ended_at.timestamp() * 1000
    counts = {"finished": run.finished, "failed": run.failed, "canceled": run.canceled}
    return {
        "id": run.id,
        "name": shown(run.id),
        "url": address(root, "/run", id=run.id),
        "status": run.status,
        "reason": run.reason if run.status != "finished" else "",
        "total": run.total,
        "counts": counts,
        "ended": sum(counts.values()),
        "percent": percent(sum(counts.values()), run.total),
        "segments": segments(counts, run.total),
        "began": ago(begun_ms, now_ms),
        "took": ago(begun_ms, until_ms),
    }


def segments(counts: Mapping[str, int], total: int) -> list[dict[str, Any]]:
    """The parts of a bar of states."""
    found, x = [], 0.0
    for state in ORDER:
        if not (count := counts.get(state, 0)):
            continue
        width = 100 * count / max(1, total)
        found.append({"class": f"c-{state}", "x": f"{x:.2f}", "width": f"{width:.2f}", "title": f"{count} {state}"})
        x += width
    return found


def run(sight: Sight, asked: Asked) -> Mapping[str, Any]:
    """One run."""
    id = asked.get("id")
    try:
        handle = sight.cluster.run(id)
        summary, vertices = handle.summary(), sight.share(("vertices", id), handle.vertices)
    except UnknownRun:
        raise Missing(f"No run is called {id!r}, or it has expired.") from None
    now_ms = sight.history().window.now_ms
    counts = Counter(state_of(vertex) for vertex in vertices if vertex.state != INLINE)
    links = {
        index: address(asked.root, f"/functions/{vertex.job_id}")
        for index, vertex in enumerate(vertices)
        if vertex.job_id
    }
    small = is_small(vertices)
    listed = _listed(vertices)
    return {
        "row": _row(summary, now_ms, asked.root),
        "counts": {state: counts[state] for state in ORDER if counts[state]},
        "segments": segments(counts, summary.total),
        "graph": draw(vertices, links, MARKS) if small else "",
        "levels": [] if small else [(level, segments(level.counts, level.total)) for level in summed(vertices)],
        "functions": [
            {"vertex": vertex, "name": shown(vertex.id), "state": state_of(vertex), "url": links.get(index, "")}
            for index, vertex in listed[:MOST_LISTED]
        ],
        "left_out": max(0, len(listed) - MOST_LISTED),
        "act": {"word": "Cancel the run", "url": address(asked.root, "/do/cancel-run", about=id)}
        if asked.write and summary.status == "running"
        else {},
    }


_FIRST = ("failed", "infeasible", "started", "queued", "waiting", "delayed", "canceled", "deferred")


def _listed(vertices: Sequence[Vertex]) -> list[tuple[int, Vertex]]:
    """Those that need a look first."""
    rank = {state: place for place, state in enumerate(_FIRST)}
    return sorted(enumerate(vertices), key=lambda each: rank.get(state_of(each[1]), len(rank)))
