"""`handoff completion`: what a shell reads to complete commands, options, ids and names of nodes; click makes it."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from handoff.cli.options import Asked, shared_options
from handoff.cli.output import to_json

SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print what a shell reads to complete commands.")
@click.argument("shell", type=click.Choice(SHELLS))
@shared_options
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what SHELL reads to complete commands, options, ids and names of nodes.

    \b
    bash:  eval "$(handoff completion bash)"      in ~/.bashrc
    zsh:   eval "$(handoff completion zsh)"       in ~/.zshrc
    fish:  handoff completion fish | source       in ~/.config/fish/config.fish

    Ids and names are read from the Redis of HANDOFF_REDIS_URL, or of --url before
    them, and left out where that does not answer at once.
    """
    made = get_completion_class(shell)
    assert made is not None
    script = made(context.find_root().command, {}, "handoff", "_HANDOFF_COMPLETE").source()
    click.echo(to_json(script) if context.ensure_object(Asked).as_json else script)
