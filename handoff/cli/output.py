"""What commands print: JSON for programs, and lines that a terminal shows as they are."""

from __future__ import annotations

import json
from typing import Any

from handoff.shown import one_line as one_line


def to_json(value: Any) -> str:
    """Write JSON; what it does not carry is written as its repr."""
    try:
        return json.dumps(value, default=repr, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps(repr(value))


def row(name: str, text: str) -> str:
    """Write a line of a list of names and what stands behind each."""
    return f"{name:<10} {one_line(text)}"


def block(text: str) -> str:
    """Put a text of several lines so that a terminal shows it as it is: a traceback, indented as it was."""
    return "\n".join("".join(char if char.isprintable() else " " for char in line) for line in text.splitlines())


def attempts(count: int) -> str:
    """Say how often something was tried."""
    return f"{count} attempt{'' if count == 1 else 's'}"
