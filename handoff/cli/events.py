"""`handoff events`: what has happened, as the scripts have written it down."""

from __future__ import annotations

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import one_line, to_json
from handoff.ledger.events import read_events, read_last_events
from handoff.view.said import Event, event_of

MOST_SHOWN = 10_000
"""As many as the stream keeps, or a few more."""

LOOK_AGAIN_S = 60.0
"""Whoever follows waits on the server for as long at a time."""


@click.command(short_help="Tell what has happened.")
@click.option("--count", type=click.IntRange(0, MOST_SHOWN), default=20, help="The last so many.  [default: 20]")
@click.option("--follow", "-f", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@shared_options
@click.pass_obj
def events(asked: Asked, count: int, follow: bool) -> None:
    """Tell what has happened: who waited, was placed, started and ended, and what became of nodes and runs.

    The stream keeps about the last ten thousand events. With --json an object a line.
    """
    with asked.cluster() as cluster:
        # What comes while the last ones are read is followed from there.
        found = read_last_events(cluster.store, max(1, count))
        after = found[-1][0] if found else b"0-0"
        for id, fields in found[-count:] if count else []:
            _print(asked, event_of(id, fields))
        while follow:
            for id, fields in read_events(cluster.store, after, LOOK_AGAIN_S):
                after = id
                _print(asked, event_of(id, fields))


def _print(asked: Asked, event: Event) -> None:
    if asked.as_json:
        click.echo(to_json(event.to_dict()))
    else:
        time = f"{event.at.astimezone():%H:%M:%S.%f}"[:-3] if event.at else "-"
        click.echo(f"{time} {one_line(event.text)}")
