"""What tests of `handoff.testing` share."""

from __future__ import annotations

import pytest

import unit_tasks


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    unit_tasks.calls.clear()
