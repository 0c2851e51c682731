"""An exception as the agent is told of it, and as a failure callback is told of it again."""

from __future__ import annotations

import contextlib
import traceback

from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.options import read_option_list
from handoff.words.retrying import full_name
from handoff_worker.inside.importing import import_function, loaded
from handoff_worker.machine.allowed import Allowed

LONGEST_TEXT = 100_000
"""Characters of a message or a traceback that are kept; the middle goes."""


class Hopeless(Exception):
    """What no other attempt on this node could change; the cause says what."""


class NotImported(Exception):
    """What the function needs was not found, so that nothing of it has run; the cause says what.

    `retryable` is False where another attempt on this node would end the same way.
    """

    def __init__(self, *, retryable: bool) -> None:
        super().__init__(retryable)
        self.retryable = retryable


class OriginalUnavailable(Exception):
    """Stands in a failure callback for an exception that could not be built again; its text names the type."""


def describe(error: BaseException, *, retryable: bool, place: str = "", begun: bool = True) -> dict[str, object]:
    """Make the outcome of a function that has failed; `place` says in the midst of what."""
    try:
        message = str(error)
    except Exception as failed:
        message = f"(its text could not be made: {type(failed).__qualname__})"
    text = "".join(traceback.format_exception(error))
    if place:
        message = f"{message} ({place})" if message else place
        text = f"{text}({place})\n"
    return {
        "kind": "failed",
        "exception_type": full_name(type(error)),
        "message": _plain(message),
        "traceback": _plain(text),
        "retryable": retryable,
        "begun": begun,
    }


def may_retry(error: BaseException, job: StoredJob) -> bool:
    """Whether the function asks for another attempt after what it raised; a subclass counts as what it is of."""
    # What somebody has bent in Redis is not to end the child.
    options = job.bytes("options").decode(errors="replace")
    only, never = read_option_list(options, "only"), read_option_list(options, "never")
    return (not only or _is_one(error, only)) and not _is_one(error, never)


def _is_one(error: BaseException, names: list[str]) -> bool:
    """By what its classes are called where they are defined, or by where else a loaded module has one of them."""
    kinds = [kind for kind in type(error).__mro__ if issubclass(kind, BaseException)]
    known = set(map(full_name, kinds))
    return any(name in known or any(loaded(name) is kind for kind in kinds) for name in names)


def rebuild(exception_type: str, message: str, allowed: Allowed | None) -> BaseException:
    """Build an exception again from what was kept of it, or what stands in for it.

    Where only some is allowed, nothing else is imported for it.
    """
    name = exception_type if "." in exception_type else f"builtins.{exception_type}"
    # Whatever goes wrong here is a reason for the stand-in: user code may do anything when it is imported or built.
    with contextlib.suppress(Exception):
        kind = (loaded(name) if allowed else None) or import_function(name, allowed)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            return kind(message)
    return OriginalUnavailable(f"{exception_type}: {message}")


def _plain(text: str) -> str:
    """Cut the middle out of what is too long, and write out the lone surrogates that UTF-8 does not carry."""
    if len(text) > LONGEST_TEXT:
        half = LONGEST_TEXT // 2
        text = f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
    return text.encode("utf-8", "backslashreplace").decode()
