"""`handoff logs`: what a function has printed."""

from __future__ import annotations

import click

from handoff.cli import completing
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json


@click.command(short_help="Show what a function has printed.")
@click.argument("id", shell_complete=completing.of_functions())
@click.argument("function", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on with what it prints, until it has ended.")
@shared_options
@click.pass_obj
def logs(asked: Asked, id: str, function: str | None, follow: bool) -> None:
    """Show what the function ID has printed and logged; with FUNCTION, that function of the run ID."""
    with asked.cluster() as cluster:
        handle = cluster.handle(id) if function is None else cluster.run(id).handle(function)
        if follow:
            for line in handle.logs(follow=True):
                click.echo(to_json(line) if asked.as_json else line)
        else:
            text = handle.logs()
            click.echo(to_json(text) if asked.as_json else text, nl=asked.as_json)
