"""How tests wait for what must come, however slow the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT_S = 120.0
"""How long a test waits for anything before it fails: what comes at all comes at once, so that it costs nothing."""


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait for what gives no sign of itself, such as the end of a process that is not ours."""
    limit_s = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < limit_s, f"not within {LIMIT_S:g} s: {what}"
        time.sleep(0.01)
