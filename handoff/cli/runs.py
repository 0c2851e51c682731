"""`handoff runs`: the runs of graphs, or one of them as a tree with what runs where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from handoff.cli.group import one_line
from handoff.cli.options import Asked, shared_options, to_json
from handoff.client.cluster import Cluster
from handoff.client.run_handle import RunHandle, RunSummary
from handoff.graph.picture import INLINE, Vertex, shown, tree
from handoff.ledger.runs import MOST_LISTED
from handoff.ledger.states import STATES
from handoff.words.times import span


def _count(context: click.Context, parameter: click.Parameter, value: int) -> int:
    if not 1 <= value <= MOST_LISTED:
        raise click.BadParameter(f"{value} is no number of runs to list: give 1 to {MOST_LISTED:,}", context, parameter)
    return value


@click.command(short_help="List the runs of graphs, or show one.")
@click.argument("id", required=False)
@click.option("--count", type=int, default=100, callback=_count, help="List at most so many.  [default: 100]")
@click.option("--mermaid", is_flag=True, help="Draw the run ID as a flowchart for Mermaid.")
@shared_options
@click.pass_obj
def runs(asked: Asked, id: str | None, count: int, mermaid: bool) -> None:
    """List the runs that are not expired, the newest first; with ID, show the newest run of that DAG as a tree.

    In the tree every function stands once, below the last of those that it takes; what runs is marked by an asterisk.
    """
    if mermaid and id is None:
        raise click.UsageError("--mermaid draws one run, and none is named")
    with asked.cluster() as cluster:
        if id is None:
            _list(cluster, cluster.runs(count), as_json=asked.as_json)
        elif mermaid:
            drawn = cluster.run(id).to_mermaid()
            click.echo(to_json({"mermaid": drawn}) if asked.as_json else drawn, nl=asked.as_json)
        else:
            show_run(cluster.run(id), as_json=asked.as_json)


def show_run(run: RunHandle, *, as_json: bool) -> None:
    """Print one run."""
    summary, vertices = run.summary(), run.vertices()
    if as_json:
        click.echo(to_json(summary.to_dict() | {"functions": [_function(vertex, vertices) for vertex in vertices]}))
        return
    for name, text in _rows(summary, vertices).items():
        if text:
            click.echo(f"{name:<10} {one_line(text)}")
    if vertices:
        click.echo()
    for line in tree(vertices):
        click.echo(line)


def _list(cluster: Cluster, found: Sequence[RunSummary], *, as_json: bool) -> None:
    if as_json:
        click.echo(to_json([summary.to_dict() for summary in found]))
    elif found:
        _print_table(found)
    else:
        click.echo(f"No run is known in namespace {cluster.namespace} at {cluster.store.address}.")


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
        "created": _moment(summary.created_at),
        "ended": _moment(summary.ended_at) if summary.ended_at else "",
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


def _print_table(found: Sequence[RunSummary]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("run", "status", "finished", "failed", "canceled", "created", "took"):
        table.add_column(heading, overflow="fold", no_wrap=heading != "run")
    for summary in found:
        table.add_row(
            Text(shown(summary.id), style="bold"),
            Text(summary.status, style={"finished": "green", "running": "blue"}.get(summary.status, "bold red")),
            f"{summary.finished:,}/{summary.total:,}",
            f"{summary.failed:,}",
            f"{summary.canceled:,}",
            f"{summary.created_at.astimezone():%b %d %H:%M}",
            span(max(0.0, ((summary.ended_at or datetime.now(UTC)) - summary.created_at).total_seconds())),
        )
    Console().print(table)


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
