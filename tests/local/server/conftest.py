"""What tests of a private server share: servers that all are stopped."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handoff.local.server import RedisServer
from support import need_redis_server


@pytest.fixture
def servers() -> Iterator[list[RedisServer]]:
    """Collect servers that a test starts; all are stopped."""
    need_redis_server()
    started: list[RedisServer] = []
    yield started
    for server in started:
        server.stop()


@pytest.fixture
def server(servers: list[RedisServer]) -> RedisServer:
    servers.append(RedisServer())
    return servers[0].start()
