"""What tests of the ledger share: a database of one's own on each kind of server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from support.kinds import KINDS, connect

NUMBER = 9
"""No other test uses this one of the real server's databases."""


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A database of one's own, empty at first, for tests that name their jobs: RQ knows no namespaces."""
    yield from connect(request, request.node.path.relative_to(Path(__file__).parents[1]).as_posix(), NUMBER)
