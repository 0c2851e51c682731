"""`handoff cancel`: ends functions, in whatever state they are, or all that is left of runs."""

from __future__ import annotations

import click

from handoff.cli import completing
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.client.noting import note
from handoff.errors import UnknownFunction, UnknownRun
from handoff.ledger.states import ENDED, STATES


@click.command(short_help="Cancel functions, or runs.")
@click.argument(
    "ids",
    metavar="ID...",
    nargs=-1,
    required=True,
    shell_complete=completing.of_functions(*(state for state in STATES if state not in ENDED)),
)
@shared_options
@click.pass_obj
def cancel(asked: Asked, ids: tuple[str, ...]) -> None:
    """Cancel the function ID, or else the run ID; one that runs is ended with its child.

    Of several IDs each is canceled. One that is unknown is told behind the others; with --json they are a list, in
    which it has its error.
    """
    unknown: UnknownFunction | None = None
    told: list[dict[str, object]] = []
    with asked.cluster() as cluster:
        for id in ids:
            try:
                decided, status = _cancel(cluster, id)
            except UnknownFunction as error:
                unknown = unknown or error
                told.append({"id": id, "error": str(error)})
                continue
            told.append({"id": id, "canceled": decided, "status": status})
            if not asked.as_json:
                click.echo(_in_words(id, decided, status))
    if asked.as_json and len(ids) > 1:
        click.echo(to_json(told))
    elif asked.as_json and not unknown:
        click.echo(to_json(told[0]))
    if unknown:
        raise unknown


def _in_words(id: str, decided: bool, status: str) -> str:
    # What runs is "started" of a function, and "running" of a run.
    if decided:
        return f"{id} is canceled" if status == "canceled" else f"{id} runs, and is being ended"
    return f"{id} is being canceled already" if status in ("started", "running") else f"{id} was {status} already"


def _cancel(cluster: Cluster, id: str) -> tuple[bool, str]:
    try:
        handle = cluster.handle(id)
    except UnknownFunction:
        return _cancel_run(cluster, id)
    note(cluster, "cancel", id)
    decided = handle.cancel()
    return decided, _status(handle, decided)


def _cancel_run(cluster: Cluster, id: str) -> tuple[bool, str]:
    try:
        run = cluster.run(id)
    except UnknownRun:
        # Neither: what is said of functions holds for both.
        raise UnknownFunction(id) from None
    note(cluster, "cancel-run", id)
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
