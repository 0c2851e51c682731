"""`handoff node`: becomes the agent, whose own parser reads the arguments. The client never imports the worker side."""

from __future__ import annotations

import os
import sys

import click

from handoff.cli.options import Asked


class _PassedOn(click.Command):
    """A command that reads none of its arguments, `--help` included."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.args = list(args)
        return []


@click.command(cls=_PassedOn, short_help="Run functions on this host, as one node.")
@click.pass_context
def node(context: click.Context) -> None:
    """Run functions on this host, as one node."""
    before = context.ensure_object(Asked).arguments()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "handoff_worker", *before, *context.args])
