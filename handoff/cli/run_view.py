"""One run as text: what came of it, and a tree of its functions; for `handoff runs` and `handoff status`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from handoff.cli.output import row, to_json
from handoff.client.run_handle import RunHandle
from handoff.client.run_summary import RunSummary
from handoff.graph.tree import tree
from handoff.graph.vertex import INLINE, Vertex, shown
from handoff.ledger.states import STATES
from handoff.words.times import iso


def show_run(run: RunHandle, *, as_json: bool) -> None:
    """Print one run."""
    summary, vertices = run.summary(), run.vertices()
    if as_json:
        click.echo(to_json(summary.to_dict() | {"functions": [_function(vertex, vertices) for vertex in vertices]}))
        return
    for name, text in _rows(summary, vertices).items():
        if text:
            click.echo(row(name, text))
    if vertices:
        click.echo()
    for line in tree(vertices):
        click.echo(line)


def _function(vertex: Vertex, vertices: Sequence[Vertex]) -> dict[str, Any]:
    return {
        "id": vertex.id,
        "inline": vertex.state == INLINE,
        "job_id": vertex.job_id,
        "state": None if vertex.state == INLINE else vertex.state,
        "node": vertex.node,
        "attempts": vertex.attempts,
        "waits_for": vertex.asks or None,
        "infeasible": vertex.infeasible,
        "error": vertex.error,
        "reason": vertex.reason or None,
        "args": [vertices[index].id for index in vertex.args],
    }


def _rows(summary: RunSummary, vertices: Sequence[Vertex]) -> dict[str, str]:
    counts = {state: sum(vertex.state == state for vertex in vertices) for state in (*STATES, "gone", INLINE)}
    return {
        "run": shown(summary.id),
        "status": summary.status + _why(summary),
        "functions": ", ".join(f"{count:,} {state}" for state, count in counts.items() if count) or "none",
        "created": iso(summary.created_at),
        "ended": iso(summary.ended_at) if summary.ended_at else "",
    }


_REASONS = {
    "canceled": "it was canceled",
    "timeout": "it took longer than its timeout",
    "detached": "the client that it was attached to went away",
}


def _why(summary: RunSummary) -> str:
    if not summary.reason and summary.status != "failed":
        return ""
    stopping = "is being stopped, for " if summary.status == "running" else ""
    return f": {stopping}{_REASONS.get(summary.reason) or _failures(summary.failed)}"


def _failures(count: int) -> str:
    if count > 1:
        return f"{count:,} functions failed"
    return "a function failed" if count else "a function was canceled"
