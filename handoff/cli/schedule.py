"""`handoff schedule`: what recurs, and letting it rest, go on, run now or end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.cli.table import Column, lines_of
from handoff.client.cluster import Cluster
from handoff.client.noting import note
from handoff.ledger.recurring import Schedule
from handoff.view.row import FunctionRow
from handoff.view.schedules import ScheduleRow, read_schedules
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
            note(cluster, f"{action}-schedule", name)
            came = ACTIONS[action](cluster, name)
            _tell(asked, name, action, came.id if action == "run" else "")


def _tell(asked: Asked, name: str, action: str, id: str) -> None:
    if asked.as_json:
        click.echo(to_json({"name": name, "done": _DONE[action], "id": id or None}))
    else:
        click.echo(f"{name}: {_DONE[action]}{f' as {id}' if id else ''}")


def _list(asked: Asked, cluster: Cluster) -> None:
    found = read_schedules(cluster.store).rows
    if asked.as_json:
        for each in found:
            click.echo(to_json(_plain(each)))
    elif found:
        click.echo("\n".join(lines_of(_COLUMNS, [_row(each) for each in found])))
    else:
        click.echo(f'Nothing recurs in namespace {cluster.namespace}: cluster.every("name", "0 3 * * *", f) would.')


def _plain(row: ScheduleRow) -> dict[str, Any]:
    schedule = row.schedule
    if schedule is None:
        return {each.name: None for each in fields(Schedule)} | {"name": row.name, "last_state": None}
    moments = {name: at and iso(at) for name, at in (("next", schedule.next), ("last", schedule.last))}
    return asdict(schedule) | moments | {"last_state": row.last.standing if row.last else None}


def _row(row: ScheduleRow) -> list[str]:
    schedule = row.schedule
    if schedule is None:
        return [row.name, "-", "cannot be read", "-", "-", "call cluster.every anew"]
    zone = "" if schedule.timezone == "UTC" else f" {schedule.timezone}"
    seconds = Recurrence(schedule.when, schedule.timezone, 0).seconds
    when = f"{schedule.when}{zone}" if seconds is None else f"each {schedule.when} s"
    upcoming = "paused" if schedule.next is None else _minute(schedule.next)
    return [row.name, when, upcoming, _last(schedule, row.last), str(schedule.runs), schedule.code]


def _last(schedule: Schedule, run: FunctionRow | None) -> str:
    """When, and where that run stands unless all went well."""
    state = f" {run.standing}" if run and run.standing != "finished" else ""
    return _minute(schedule.last) + state if schedule.last else "-"


def _minute(moment: datetime) -> str:
    """In UTC, as short as it can be said."""
    return moment.strftime("%m-%d %H:%M")
