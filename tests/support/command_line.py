"""The command line, called in this process."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import CliRunner, Result

from handoff.cli import main

Run = Callable[..., Result]


def handoff(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, prog_name="handoff")


def said(result: Result) -> str:
    """The one line on stderr of a command that ended badly."""
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line
