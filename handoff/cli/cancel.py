"""`handoff cancel`: ends one function, in whatever state it is."""

from __future__ import annotations

import click

from handoff.cli.options import Asked, shared_options, to_json


@click.command()
@click.argument("id")
@shared_options
@click.pass_obj
def cancel(asked: Asked, id: str) -> None:
    """Cancel the function ID; one that runs is ended with its child."""
    with asked.cluster() as cluster:
        handle = cluster.handle(id)
        decided = handle.cancel()
        status, node = handle.status, handle.node
    if asked.as_json:
        click.echo(to_json({"id": id, "canceled": decided, "status": status}))
    elif not decided:
        click.echo(f"{id} is {status} already: nothing was changed")
    elif status == "canceled":
        click.echo(f"{id} is canceled")
    else:
        click.echo(f"{id} is being ended on {node}")
