"""`handoff share`: what the cluster as a whole has, wherever a function runs."""

from __future__ import annotations

import click

from handoff.cli.amounts import read_amounts
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import row, to_json
from handoff.client.noting import as_typed, note
from handoff.view.overview import read_shared


def _amounts(context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, int | float]:
    return read_amounts(context, parameter, texts, "license=5 seats=3")


@click.command(short_help="Say what all nodes share, such as licenses.")
@click.argument("amounts", metavar="[NAME=AMOUNT]...", nargs=-1, callback=_amounts)
@click.option("--remove", "removed", multiple=True, metavar="NAME", help="Share this no more. May be given again.")
@shared_options
@click.pass_obj
def share(asked: Asked, amounts: dict[str, int | float], removed: tuple[str, ...]) -> None:
    """Set what the cluster as a whole has of each NAME; without any, list what it has and what is in use.

    Functions that name one in their cost take it from there, wherever they run. What is not named stays as it is.
    """
    if both := amounts.keys() & set(removed):
        raise click.UsageError(f"{min(both)!r} is to be set and removed")
    with asked.cluster() as cluster:
        if wanted := amounts | dict.fromkeys(removed, 0):
            note(cluster, "share", as_typed(wanted))
            cluster.share(wanted)
        found = read_shared(cluster.store)
    if asked.as_json:
        click.echo(to_json({name: {"used": use.used, "capacity": use.capacity} for name, use in found.items()}))
    elif found:
        click.echo("\n".join(row(name, f"{use} in use") for name, use in found.items()))
    else:
        click.echo(f"Nothing is shared in namespace {cluster.namespace}: `handoff share license=5` would.")
