"""`handoff retry`: lets functions that have failed or were canceled start afresh."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime

import click

from handoff.cli import completing
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.cli.since import read_since
from handoff.client.cluster import Cluster
from handoff.client.noting import as_typed, note
from handoff.errors import HandoffError, UnknownFunction, UnknownRun
from handoff.exits import DONE, FAILED
from handoff.ledger.retrying import NotRetried
from handoff.ledger.retrying import retry as start_afresh
from handoff.view.functions import MOST_LISTED, Wanted, list_functions
from handoff.view.row import FunctionRow
from handoff.words.times import iso


@click.command(short_help="Let functions that have failed start afresh.")
@click.argument("ids", metavar="[ID]...", nargs=-1, shell_complete=completing.of_functions("failed", "canceled"))
@click.option("--failed", is_flag=True, help="All that have failed, or those of them that the other options name.")
@click.option("--name", help="Of these what has this in the name of what it calls.")
@click.option("--error", help="Of these what has failed with this type of error: ValueError, or its dotted name.")
@click.option("--node", shell_complete=completing.nodes, help="Of these what has failed on this node.")
@click.option("--since", callback=read_since, metavar="TIME",
              help="Of these what has failed since then: 90s, 10m, 2h or 3d ago, or a moment.")  # fmt: skip
@shared_options
@click.pass_obj
def retry(
    asked: Asked,
    ids: tuple[str, ...],
    failed: bool,
    name: str | None,
    error: str | None,
    node: str | None,
    since: datetime | None,
) -> int:
    """Let the functions ID, which have failed or were canceled, start afresh, under their ids.

    All that they asked for is kept, and nothing of what became of them. Functions of runs are not retried: their ends
    are counted there. With --failed these are left out; else the status is 1 where any ID is not retried. With --json
    an object a line.
    """
    if failed == bool(ids):
        raise click.UsageError("Name functions, or give --failed")
    if not failed and (name or error or node or since):
        raise click.UsageError("--name, --error, --node and --since choose among what has failed: give --failed")
    with asked.cluster() as cluster:
        if not failed:
            return _retry_named(asked, cluster, ids)
        filters = {"name": name, "error": error, "node": node, "since": since and iso(since)}
        note(cluster, "retry-failed", as_typed(filters) or "all")
        wanted = Wanted(states=("failed",), name=name, node=node, since=since)
        _retry_failed(asked, cluster, wanted, error)
    return 0


def _retry_named(asked: Asked, cluster: Cluster, ids: tuple[str, ...]) -> int:
    first: HandoffError | None = None
    for id in ids:
        note(cluster, "retry", id)
        try:
            verdict = start_afresh(cluster.store, id)
        except (NotRetried, UnknownFunction) as error:
            told = _of_run(cluster, id) or error
            first = first or told
            if asked.as_json and len(ids) > 1:
                click.echo(to_json({"id": id, "retried": False, "error": str(told)}))
            continue
        click.echo(
            to_json({"id": id, "retried": True, **asdict(verdict)}) if asked.as_json else f"{id}: {verdict.reason}"
        )
    if first is not None and not (asked.as_json and len(ids) > 1):
        raise first
    return FAILED if first else DONE


def _of_run(cluster: Cluster, id: str) -> HandoffError | None:
    """What is said where the id is that of a run."""
    try:
        run = cluster.run(id)
    except UnknownRun:
        return None
    return HandoffError(f"{run.id!r} is a run: a run is not retried, submit its graph anew")


def _retry_failed(asked: Asked, cluster: Cluster, wanted: Wanted, error: str | None) -> None:
    """Page by page, the oldest first. What fails again meanwhile is not retried twice."""
    seen: set[str] = set()
    retried = kept = 0
    while rows := _next_page(cluster, wanted, error, seen):
        with _shown(asked, len(rows)) as show:
            for done, row in enumerate(rows, 1):
                seen.add(row.id)
                try:
                    verdict = start_afresh(cluster.store, row.id)
                except (NotRetried, UnknownFunction):
                    kept += 1
                else:
                    retried += 1
                    if asked.as_json:
                        click.echo(to_json({"id": row.id, "retried": True, **asdict(verdict)}))
                show(done, {"retried": retried, "left": kept})
    if asked.as_json:
        asked.tell(_in_words(retried, kept), retried=retried, left=kept)
    else:
        click.echo(_in_words(retried, kept))


def _next_page(cluster: Cluster, wanted: Wanted, error: str | None, seen: set[str]) -> list[FunctionRow]:
    rows = list_functions(cluster.store, wanted, MOST_LISTED).rows
    return [row for row in reversed(rows) if row.id not in seen and _is_of(row, error)]


def _is_of(row: FunctionRow, error: str | None) -> bool:
    return error is None or (row.error is not None and error in (row.error, row.error.rpartition(".")[2]))


def _in_words(retried: int, kept: int) -> str:
    said = f"{retried} function{'' if retried == 1 else 's'} start{'s' if retried == 1 else ''} afresh"
    left = "1 is left as it is, for it belongs to a run, or has gone meanwhile"
    if kept > 1:
        left = f"{kept} are left as they are, for they belong to runs, or have gone meanwhile"
    return f"{said}; {left}" if kept else said


@contextmanager
def _shown(asked: Asked, total: int) -> Iterator[Callable[[int, Mapping[str, int]], None]]:
    if asked.as_json:
        yield lambda done, standing: None
        return
    # Imported here: it brings what draws it.
    from handoff.client.bar import bar

    with bar(total) as show:
        yield show
