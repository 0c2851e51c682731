"""What tests of children share: children with any limits, all ended afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handoff_worker.children import pool
from handoff_worker.children.nursery import Imports
from handoff_worker.children.pool import Children
from support.children import TESTS, Start
from support.waiting import LIMIT_S


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start children, with any limits."""
    # A child that dies may be reaped late where the machine is busy.
    monkeypatch.setattr(pool, "HANG_UP_S", LIMIT_S)
    started: list[Children] = []
    defaults: dict[str, Any] = {"idle_limit": 4, "imports": Imports([TESTS])}

    def start(**limits: Any) -> Children:
        started.append(Children(**{**defaults, **limits}))
        return started[-1]

    yield start
    for children in started:
        children.close()


@pytest.fixture
def children(start: Start) -> Children:
    return start()
