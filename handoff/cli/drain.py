"""`handoff drain` and `handoff undrain`: empty a node, and let it take functions again."""

from __future__ import annotations

import click

from handoff.cli import completing
from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json
from handoff.client.noting import note
from handoff.words.values import is_wait


def _deadline(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not is_wait(value):
        raise click.BadParameter(f"{value} is no time to wait for: give seconds above 0", context, parameter)
    return value


@click.command(short_help="Let a node take no more, and empty it.")
@click.argument("node", shell_complete=completing.nodes)
@click.option("--deadline", type=float, callback=_deadline, help="Stop what still runs after so many seconds.")
@shared_options
@click.pass_obj
def drain(asked: Asked, node: str, deadline: float | None) -> None:
    """Empty NODE: it takes no more, what is queued there waits again, and what runs ends.

    With --deadline, what still runs then is stopped and counts as lost with its node: it is retried, or fails. The node
    stays drained, when its agent comes again too, until `handoff undrain`.
    """
    with asked.cluster() as cluster:
        note(cluster, "drain", node if deadline is None else f"{node} within {deadline:g} s")
        cluster.drain(node, deadline)
    if asked.as_json:
        click.echo(to_json({"node": node, "draining": True, "deadline_s": deadline}))
    else:
        rest = "" if deadline is None else f" within {deadline:g} s, or is stopped"
        click.echo(f"{node} takes no more, and what runs there ends{rest}")


@click.command(short_help="Let a drained or cordoned node take functions again.")
@click.argument("node", shell_complete=completing.nodes)
@shared_options
@click.pass_obj
def undrain(asked: Asked, node: str) -> None:
    """Let NODE, which was drained or is cordoned, take functions again."""
    with asked.cluster() as cluster:
        note(cluster, "undrain", node)
        cluster.undrain(node)
    if asked.as_json:
        click.echo(to_json({"node": node, "draining": False, "deadline_s": None}))
    else:
        click.echo(f"{node} takes functions again")
