"""`handoff cancel`: ends one function, in whatever state it is, or all that is left of a run."""

from __future__ import annotations

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import UnknownFunction, UnknownRun


@click.command(short_help="Cancel a function, or a run.")
@click.argument("id")
@shared_options
@click.pass_obj
def cancel(asked: Asked, id: str) -> None:
    """Cancel the function ID, or else the run ID; one that runs is ended with its child."""
    with asked.cluster() as cluster:
        try:
            handle = cluster.handle(id)
        except UnknownFunction:
            decided, status = _cancel_run(cluster, id)
        else:
            decided = handle.cancel()
            status = _status(handle, decided)
    # What runs is "started" of a function, and "running" of a run.
    if asked.as_json:
        click.echo(to_json({"id": id, "canceled": decided, "status": status}))
    elif decided:
        click.echo(f"{id} is canceled" if status == "canceled" else f"{id} runs, and is being ended")
    else:
        ending = status in ("started", "running")
        click.echo(f"{id} is being canceled already" if ending else f"{id} was {status} already")


def _cancel_run(cluster: Cluster, id: str) -> tuple[bool, str]:
    try:
        run = cluster.run(id)
    except UnknownRun:
        # Neither: what is said of functions holds for both.
        raise UnknownFunction(id) from None
    decided = run.cancel()
    try:
        return decided, run.status
    except UnknownRun:
        # With a failure_ttl of 0 nothing is kept of what was canceled.
        if not decided:
            raise
        return decided, "canceled"


def _status(handle: Handle, decided: bool) -> str:
    try:
        return handle.status
    except UnknownFunction:
        # With a failure_ttl of 0 nothing is kept of what was canceled.
        if not decided:
            raise
        return "canceled"
