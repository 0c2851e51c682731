"""`handoff schedule`: what recurs, and letting it rest, go on, run now or end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.cli.table import Column, lines_of
from handoff.client.cluster import Cluster
from handoff.ledger.recurring import Schedule
from handoff.words.recurring import Recurrence
from handoff.words.times import iso

_COLUMNS = (
    Column("name"),
    Column("when", 12),
    Column("next (UTC)"),
    Column("last"),
    Column("runs", right=True),
    Column("calls", 12),
)

ACTIONS: dict[str, Callable[[Cluster, str], Any]] = {
    "pause": Cluster.pause_schedule,
    "resume": Cluster.resume_schedule,
    "run": Cluster.run_schedule,
    "remove": Cluster.remove_schedule,
}

_DONE = {"pause": "paused", "resume": "goes on", "run": "submitted", "remove": "removed"}


@click.command(short_help="List what recurs; pause, resume, run or remove it.")
@click.argument("action", type=click.Choice(["list", *ACTIONS]), default="list")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@shared_options
@click.pass_obj
def schedule(asked: Asked, action: str, names: tuple[str, ...]) -> None:
    """List what recurs, or pause, resume, remove what is named, or submit it now, beside its moments.

    What was paused goes on at its next moment. `cluster.every` is how something comes to recur.
    """
    if action == "list" and names:
        raise click.UsageError("list takes no names: it lists all that recurs")
    if action != "list" and not names:
        raise click.UsageError(f"{action} needs a name: `handoff schedule` lists them")
    with asked.cluster() as cluster:
        if action == "list":
            _list(asked, cluster)
            return
        for name in names:
            came = ACTIONS[action](cluster, name)
            _tell(asked, name, action, came.id if action == "run" else "")


def _tell(asked: Asked, name: str, action: str, id: str) -> None:
    if asked.as_json:
        click.echo(to_json({"name": name, "done": _DONE[action], "id": id or None}))
    else:
        click.echo(f"{name}: {_DONE[action]}{f' as {id}' if id else ''}")


def _list(asked: Asked, cluster: Cluster) -> None:
    found = cluster.schedules()
    if asked.as_json:
        for each in found:
            click.echo(to_json(_plain(each)))
    elif found:
        click.echo("\n".join(lines_of(_COLUMNS, [_row(each) for each in found])))
    else:
        click.echo(f'Nothing recurs in namespace {cluster.namespace}: cluster.every("name", "0 3 * * *", f) would.')


def _plain(each: Schedule) -> dict[str, Any]:
    return asdict(each) | {name: at and iso(at) for name, at in (("next", each.next), ("last", each.last))}


def _row(each: Schedule) -> list[str]:
    zone = "" if each.timezone == "UTC" else f" {each.timezone}"
    seconds = Recurrence(each.when, each.timezone, 0).seconds
    when = f"{each.when}{zone}" if seconds is None else f"each {each.when} s"
    upcoming = "paused" if each.next is None else _minute(each.next)
    return [each.name, when, upcoming, _minute(each.last) if each.last else "-", str(each.runs), each.code]


def _minute(moment: datetime) -> str:
    """In UTC, as short as it can be said."""
    return moment.strftime("%m-%d %H:%M")
