"""The functions that figures are of."""

from __future__ import annotations

import time

REST_S = 0.1


def nothing() -> None:
    """Return None."""


def wait(seconds: float) -> None:
    """Take so long, and no CPU."""
    time.sleep(seconds)


def rest() -> None:
    """Take a tenth of a second, and no CPU."""
    time.sleep(REST_S)
