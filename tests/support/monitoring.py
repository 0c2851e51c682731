"""Programs of Prometheus, which not every machine has."""

from __future__ import annotations

import shutil

import pytest


def need(program: str) -> str:
    """The path of a program; skips the test where it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed: what it says of the metrics is not known (Debian: prometheus)")
    return path
