"""The time by which a client asks again and gives up, as a test has it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from handoff.ledger import asking, store


def set_time(patch: pytest.MonkeyPatch, monotonic: Callable[[], float], sleep: Callable[[float], object]) -> None:
    """Let clients read this clock, and pause like this."""
    for module in (asking, store):
        patch.setattr(module, "time", SimpleNamespace(monotonic=monotonic, sleep=sleep))
