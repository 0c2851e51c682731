"""Functions of which a test names only what matters to it."""

from __future__ import annotations

from typing import Any

from handoff.words.function import Function


def work(value: int = 0) -> int:
    return value


def function(**fields: Any) -> Function:
    return Function(fields.pop("id", "f"), fields.pop("code", work), **fields)
