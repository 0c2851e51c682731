"""`handoff runs`: the runs of graphs, or one of them as a tree with what runs where."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.cli.run_view import show_run
from handoff.client.cluster import Cluster
from handoff.client.run_summary import RunSummary
from handoff.graph.vertex import shown
from handoff.ledger.runs import MOST_LISTED
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


def _list(cluster: Cluster, found: Sequence[RunSummary], *, as_json: bool) -> None:
    if as_json:
        click.echo(to_json([summary.to_dict() for summary in found]))
    elif found:
        _print_table(found)
    else:
        click.echo(f"No run is known in namespace {cluster.namespace} at {cluster.store.address}.")


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
