"""`handoff jobs`: the functions of a namespace, a line each."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from handoff.cli import completing
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.cli.since import read_since
from handoff.cli.table import Column, lines_of
from handoff.ledger.phrases import in_words
from handoff.view.functions import LISTED, MOST_LISTED, Listing, Wanted, list_functions
from handoff.view.row import FunctionRow
from handoff.words.times import span

COLUMNS = (Column("id"), Column("state"), Column("for", right=True), Column("node", least=6), Column("what", least=12))


@click.command(short_help="List functions, and their ids.")
@click.option("--state", "states", multiple=True, type=click.Choice(LISTED), help="Only of this state; several: any.")
@click.option("--node", shell_complete=completing.nodes, help="Only what is placed on this node, runs or ran there.")
@click.option("--name", help="Only what has this in the name of what it calls.")
@click.option("--run", help="Only the functions of this run.")
@click.option("--shape", help="Only what waits for this, such as cpu=2,memory=500.")
@click.option("--since", callback=read_since, metavar="TIME",
              help="Only what stands where it stands since then: 90s, 10m, 2h or 3d ago, or a moment.")  # fmt: skip
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=50,
              help=f"List at most so many, up to {MOST_LISTED:,}.  [default: 50]")  # fmt: skip
@shared_options
@click.pass_obj
def jobs(
    asked: Asked,
    states: tuple[str, ...],
    node: str | None,
    name: str | None,
    run: str | None,
    shape: str | None,
    since: datetime | None,
    limit: int,
) -> None:
    """List functions, the newest first: those that stand where they stand for the shortest time.

    With --json an object a line. What is looked at is bounded: where there may be more, stderr says so. The ids are
    what `handoff status`, `explain`, `logs`, `cancel` and `retry` take.
    """
    wanted = Wanted(states=states or None, node=node, name=name, run=run, shape=shape, since=since)
    with asked.cluster() as cluster:
        found = list_functions(cluster.store, wanted, limit)
        if not found.rows and not asked.as_json:
            there = f"in namespace {cluster.namespace} at {cluster.store.address}"
            click.echo(
                f"No such function is known {there}." if wanted != Wanted() else f"No function is known {there}."
            )
    if asked.as_json:
        for row in found.rows:
            click.echo(to_json(row.to_dict()))
    elif found.rows:
        click.echo("\n".join(lines_of(COLUMNS, [_cells(row) for row in found.rows])))
    if found.more:
        asked.tell(_more(found, limit), listed=len(found.rows), looked_at=found.looked_at)


def _more(found: Listing, limit: int) -> str:
    if len(found.rows) < limit:
        return f"there may be more: the newest {found.looked_at:,} of those that could match were looked at"
    return f"there are more: these are the newest {len(found.rows):,} (--limit, or narrow it by --state, --since ...)"


def _cells(row: FunctionRow) -> list[str]:
    age = span(max(0.0, (datetime.now(UTC) - row.at).total_seconds())) if row.at else ""
    return [row.id, row.standing, age, row.node or "", _what(row)]


def _what(row: FunctionRow) -> str:
    """What it calls, without the module; the user's id of one in a run; and what is most to be known of it."""
    name = row.name.rpartition(".")[2]
    if row.function_id not in (row.id, name):
        name = f"{row.function_id}: {name}"
    if row.error:
        error = row.error.rpartition(".")[2]
        return f"{name}: {error}: {row.message}" if row.message else f"{name}: {error}"
    return f"{name} ({in_words(row.cost)})" if row.state == "waiting" else name
