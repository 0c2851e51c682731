"""`handoff top`: what happens, kept current in the terminal."""

from __future__ import annotations

import sys

import click

from handoff.cli.extras import of_extra
from handoff.cli.options import Asked, shared_options

LEAST_S, MOST_S = 0.2, 3600.0


@click.command(short_help="Show it all in the terminal, kept current.")
@click.option("--interval", type=float, default=2.0, show_default=True, help="Seconds between two looks.")
@shared_options
@click.pass_obj
def top(asked: Asked, interval: float) -> None:
    """Show nodes, what waits and why, what takes long and what failed; ? tells the keys, q quits.

    Enter opens what is chosen: a node, a shape, a function. From there nodes are drained, and functions canceled or
    retried; each is asked once more. It takes 80 columns and 24 lines, and honours NO_COLOR.
    """
    if asked.as_json:
        raise click.UsageError("handoff top is for people: `handoff status --json` tells programs the same")
    # Not a number is in no range.
    if not LEAST_S <= interval <= MOST_S:
        raise click.BadParameter(f"{interval} is not from {LEAST_S} to {MOST_S:g} seconds", param_hint="--interval")
    if not is_terminal():
        raise click.UsageError("handoff top needs a terminal: `handoff status` prints what there is now")
    with of_extra("top", "handoff top"):
        from handoff.top.app import Top
    with asked.cluster() as cluster:
        # Who has mistaken the address is told here, in a line that stays.
        cluster.store.read("PING")
        Top(cluster, interval).run()


def is_terminal() -> bool:
    """Whether somebody sees what is shown, and presses keys."""
    return sys.stdin.isatty() and sys.stdout.isatty()
