"""What tests of children share: children with any limits, all ended afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from handoff_worker.children import pool
from handoff_worker.children.nursery import Imports
from handoff_worker.children.pool import Children
from support.children import TESTS, Start
from support.waiting import LIMIT_S


@contextmanager
def starting() -> Iterator[Start]:
    started: list[Children] = []
    defaults: dict[str, Any] = {"idle_limit": 4, "imports": Imports([TESTS])}

    def start(**limits: Any) -> Children:
        started.append(Children(**{**defaults, **limits}))
        return started[-1]

    # A child that dies may be reaped late where the machine is busy.
    with patch.object(pool, "HANG_UP_S", LIMIT_S):
        yield start
        for children in started:
            children.close()


@pytest.fixture
def start() -> Iterator[Start]:
    """Start children, with any limits."""
    with starting() as start:
        yield start


@pytest.fixture
def children(start: Start) -> Children:
    return start()


@pytest.fixture(scope="module")
def lasting() -> Iterator[Children]:
    """Children for the tests of a file that neither count them nor end their nursery: its start is most of a test."""
    with starting() as start:
        yield start()
