"""How every command ends: what went wrong is one line on stderr and an exit status, never a traceback.

With --json that line is JSON. It stands on stderr too, so that stdout has the answer or nothing.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click
import redis

from handoff.cli.options import Asked
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
from handoff.exits import DONE, FAILED, INTERRUPTED, MISUSED
from handoff.ledger.passwords import hide_command_line, without_passwords
from handoff.shown import error_line

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

    def main(self, args: Sequence[str] | None = None, *rest: Any, **kwargs: Any) -> NoReturn:
        """Run a command and exit; for the arguments see click."""
        hide_command_line()
        if isinstance(sys.stdout, io.TextIOWrapper):
            # Paths and results may hold what the terminal's encoding does not.
            sys.stdout.reconfigure(errors="backslashreplace")
        words = list(sys.argv[1:] if args is None else args)
        asked = Asked()
        with _warnings_told(asked):
            sys.exit(self._status(asked, words, *rest, **kwargs | {"standalone_mode": False, "obj": asked}))

    def _status(self, asked: Asked, words: list[str], *rest: Any, **kwargs: Any) -> int:
        try:
            # What a command returns, or gives to `Context.exit`: nothing, or a status.
            return int(super().main(words, *rest, **kwargs) or DONE)
        except click.ClickException as error:
            # What cannot be read may stand in front of --json.
            asked.as_json = asked.as_json or "--json" in words[: _end_of_options(words)]
            return _fail(asked, error, _with_advice(error), MISUSED)
        except _BAD_ARGUMENTS as error:
            return _fail(asked, error, str(error), MISUSED)
        except FunctionFailed as error:
            return _fail(asked, error, _failure(error), FAILED)
        except HandoffError as error:
            return _fail(asked, error, str(error), FAILED)
        except redis.RedisError as error:
            told = f"Redis refuses ({error}): check the address and the rights of its user"
            return _fail(asked, error, told, FAILED)
        except (click.Abort, KeyboardInterrupt):
            return INTERRUPTED


def _fail(asked: Asked, error: Exception, text: str, status: int) -> int:
    text = one_line(without_passwords(text))
    click.echo(error_line(error, text) if asked.as_json else f"handoff: {text}", err=True)
    return status


def _end_of_options(words: list[str]) -> int:
    return words.index("--") if "--" in words else len(words)


class _Teller(logging.Handler):
    """Tells what is logged as every other notice."""

    def __init__(self, asked: Asked) -> None:
        super().__init__(logging.WARNING)
        self._asked = asked

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it."""
        self._asked.tell(record.getMessage())


@contextmanager
def _warnings_told(asked: Asked) -> Iterator[None]:
    logger, teller = logging.getLogger("handoff"), _Teller(asked)
    logger.addHandler(teller)
    try:
        yield
    finally:
        logger.removeHandler(teller)


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
