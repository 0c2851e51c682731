"""What tests of the ledger share: a database of one's own on either kind of server."""

from __future__ import annotations

from collections.abc import Iterator

import fakeredis
import pytest
import redis

from handoff.local.server import RedisServer

NUMBER = 9
"""No other test uses this one of the real server's databases."""


@pytest.fixture(params=["fake", "real"])
def database(request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A database of one's own, empty at first, for tests that name their jobs: RQ knows no namespaces."""
    if request.param == "fake":
        yield fakeredis.FakeRedis(server=fakeredis.FakeServer())
        return
    server: RedisServer = request.getfixturevalue("server")
    with redis.Redis.from_url(f"{server.url.rpartition('/')[0]}/{NUMBER}") as connection:
        connection.flushdb()
        yield connection
