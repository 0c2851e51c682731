"""What tests of the proxy share: a server, the proxy before it, and connections that show the bytes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from handoff.local.server import RedisServer
from support import need_redis_server
from support.proxy import FaultyProxy
from support.wire import Wire, direct


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    need_redis_server()
    with RedisServer() as running:
        yield running


@pytest.fixture
def proxy(server: RedisServer) -> Iterator[FaultyProxy]:
    direct(server).flushall()
    with FaultyProxy("127.0.0.1", server.port) as running:
        yield running


@pytest.fixture
def wire(server: RedisServer) -> Iterator[Callable[[int, int], Wire]]:
    with contextlib.ExitStack() as stack:

        def connect(port: int, protocol: int) -> Wire:
            made = Wire(port, server.url, protocol)
            stack.enter_context(made.socket)
            return made

        yield connect
