"""What tests of children share: children with any limits, all ended afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handoff_worker.children.pool import Children
from support.children import TESTS, Start


@pytest.fixture
def start() -> Iterator[Start]:
    """Start children, with any limits."""
    started: list[Children] = []
    defaults: dict[str, Any] = {"idle_limit": 4, "path": [TESTS]}

    def start(**limits: Any) -> Children:
        started.append(Children(**{**defaults, **limits}))
        return started[-1]

    yield start
    for children in started:
        children.close()


@pytest.fixture
def children(start: Start) -> Children:
    return start()
