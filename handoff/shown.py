"""How errors show, and keep, what somebody has given."""

from __future__ import annotations

import json
from typing import Any

LONGEST_SHOWN = 200
"""Characters that an error shows of a value which somebody has given."""


def shown(value: object) -> str:
    """How an error shows a value that somebody has given: on one line, not long, and whatever it may be."""
    try:
        text = repr(value)
    # Of foreign code: Python itself writes no int of more than 4,300 digits.
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"
    if not text.isprintable():
        text = text.encode("unicode_escape").decode()
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def one_line(text: str) -> str:
    """Put a text into one line that a terminal shows as it is."""
    return "".join(char if char.isprintable() else " " for char in " ".join(text.split()))


def is_number(text: str) -> bool:
    """Whether it is a whole number that is not long."""
    return text.isascii() and text.isdecimal() and len(text) < 16


def named(value: object) -> str:
    """What was given as a name, as an error keeps it: a text as it is, all else as it is shown."""
    return value if type(value) is str else shown(value)


def where_to_look(traceback: str) -> str:
    """Say where more is to be read of a function that has failed: of one whose process died no traceback is left."""
    if "Traceback (most recent call last)" in traceback:
        return "its traceback is in `.traceback`"
    return "it left no traceback, see what it printed (`handle.logs()`) and the log of its node's agent"


def ids_of(handle: object) -> Any:
    """The id of what a handle is of, as it goes to other processes; of a list all of them. What is none stays."""
    return [ids_of(each) for each in handle] if isinstance(handle, list) else getattr(handle, "id", handle)


def error_line(error: BaseException, message: str) -> str:
    """How a command tells programs of an error: one line of JSON, on stderr."""
    return json.dumps({"error": {"type": type(error).__name__, "message": message}})
