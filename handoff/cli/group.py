"""How every command ends: what went wrong is one line on stderr and an exit status, never a traceback."""

from __future__ import annotations

import io
import sys
from typing import Any, NoReturn

import click
import redis

from handoff.cli.output import attempts, one_line
from handoff.errors import (
    FunctionFailed,
    HandoffError,
    InvalidFunction,
    InvalidNode,
    InvalidResources,
    NotSerializable,
    TooLarge,
)
from handoff.ledger.passwords import hide_command_line, without_passwords

DONE, FAILED, MISUSED = 0, 1, 2
INTERRUPTED = 130
"""What shells report of a program that Ctrl-C ended: 128 and the number of the signal."""

LONGEST_COMPLAINT = 400
"""Characters of what is wrong with the arguments, which repeats them."""

_BAD_ARGUMENTS = (InvalidFunction, InvalidNode, InvalidResources, NotSerializable, TooLarge)


class Commands(click.Group):
    """A group whose commands may raise: errors of Handoff and of Redis end as well as those of click.

    A defect of Handoff keeps its traceback.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were added, which is the order in which one meets them."""
        return list(self.commands)

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Run a command and exit; for the arguments see click."""
        hide_command_line()
        if isinstance(sys.stdout, io.TextIOWrapper):
            # Paths and results may hold what the terminal's encoding does not.
            sys.stdout.reconfigure(errors="backslashreplace")
        sys.exit(self._status(*args, **kwargs | {"standalone_mode": False}))

    def _status(self, *args: Any, **kwargs: Any) -> int:
        try:
            # What a command returns, or gives to `Context.exit`: nothing, or a status.
            return int(super().main(*args, **kwargs) or DONE)
        except click.ClickException as error:
            _say(_with_advice(error))
            return MISUSED
        except _BAD_ARGUMENTS as error:
            _say(str(error))
            return MISUSED
        except FunctionFailed as error:
            _say(_failure(error))
            return FAILED
        except HandoffError as error:
            _say(str(error))
            return FAILED
        except redis.RedisError as error:
            _say(f"Redis refuses ({error}): check the address and the rights of its user")
            return FAILED
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED


def _say(text: str) -> None:
    click.echo(f"handoff: {one_line(without_passwords(text))}", err=True)


def _with_advice(error: click.ClickException) -> str:
    what = error.format_message().rstrip(".")
    if len(what) > LONGEST_COMPLAINT:
        what = f"{what[:LONGEST_COMPLAINT]}..."
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{what}: see `{context.command_path if context else 'handoff'} --help`"


def _failure(error: FunctionFailed) -> str:
    """Its own sentence tells where Python finds the traceback."""
    what = f"{error.exception_type}: {error.message}" if error.message else error.exception_type
    where = f" on {error.node}" if error.node else ""
    return f"function {error.function_id!r} failed{where} after {attempts(error.attempts)} with {what}"
