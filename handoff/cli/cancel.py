"""`handoff cancel`: ends one function, in whatever state it is."""

from __future__ import annotations

import click

from handoff.cli.options import Asked, shared_options, to_json
from handoff.errors import UnknownFunction
from handoff.handles import Handle


@click.command(short_help="Cancel a function.")
@click.argument("id")
@shared_options
@click.pass_obj
def cancel(asked: Asked, id: str) -> None:
    """Cancel the function ID; one that runs is ended with its child."""
    with asked.cluster() as cluster:
        handle = cluster.handle(id)
        decided = handle.cancel()
        status = _status(handle, decided)
    if asked.as_json:
        click.echo(to_json({"id": id, "canceled": decided, "status": status}))
    elif decided:
        click.echo(f"{id} is canceled" if status == "canceled" else f"{id} runs, and is being ended")
    else:
        click.echo(f"{id} is being canceled already" if status == "started" else f"{id} was {status} already")


def _status(handle: Handle, decided: bool) -> str:
    try:
        return handle.status
    except UnknownFunction:
        # With a failure_ttl of 0 nothing is kept of what was canceled.
        if not decided:
            raise
        return "canceled"
