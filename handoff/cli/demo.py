"""`handoff demo`: what it all is, seen on a cluster of its own. What it needs is imported when it is asked for."""

from __future__ import annotations

import os

import click

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json


@click.command(short_help="Watch a small cluster of its own at work.")
@click.argument("path", required=False)
@shared_options
@click.pass_obj
def demo(asked: Asked, path: str | None) -> None:
    """Analyze the Python source at PATH on three unlike nodes, and show what ran where.

    PATH is a directory or a file; without it the standard library is analyzed. The demo starts a Redis server and nodes
    of its own, for which --url has no meaning, and takes them away at its end.
    """
    from rich.console import Console

    from handoff.demo.render import render
    from handoff.demo.report import to_json as fields
    from handoff.demo.run import run
    from handoff.demo.sources import NoSources, find

    if asked.url is not None:
        asked.tell("the demo starts a Redis server of its own: --url is not used")
    try:
        sources = find(path)
    except NoSources as error:
        raise click.UsageError(f"{error.path!r} cannot be analyzed ({error.why})") from error
    if sources.left_out:
        asked.tell(f"the last {sources.left_out:,} files are left out: they are too many for a demo")
    # Its gpus are pretended: of those of this machine none is used, however few this process may see.
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    report = run(sources, None if asked.as_json else Console(stderr=True), namespace=asked.namespace)
    if asked.as_json:
        click.echo(to_json(fields(report)))
    else:
        Console().print(render(report))
