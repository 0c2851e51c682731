"""What may come out of a public call: what the contract says, in one sentence of ours."""

from __future__ import annotations

import traceback
from pathlib import Path

import handoff
from handoff import HandoffError

PACKAGE = str(Path(handoff.__file__).parent)

LOOKING = (
    handoff.UnknownFunction,
    handoff.UnknownNode,
    handoff.UnknownSchedule,
    handoff.ResourcesUnavailable,
    handoff.FunctionCanceled,
)
"""What may be said after Redis was asked: that a good name is nobody's, or what it is."""


def fault_of(error: Exception) -> str:
    """What is wrong with an error; '' if it is one of the contract, in one sentence of ours."""
    if not isinstance(error, (HandoffError, ValueError, TypeError, TimeoutError)):
        return f"a {type(error).__name__}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    if not last.filename.startswith(PACKAGE) or not (last.line or "").startswith("raise"):
        return f"a {type(error).__name__} that nobody meant, of {last.filename}:{last.lineno}"
    text = str(error)
    text.encode()
    if "\n" in text or len(text) > 1000 or ": " not in text:
        return f"no sentence of ours: {text[:80]!r}"
    return ""
