"""What tests of the asyncio client share: a loop for each test, the client in it, and the other one beside it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer


@pytest.fixture
def beside(server: RedisServer) -> Iterator[Cluster]:
    """The other client, in a namespace of the test's own."""
    with Cluster(server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        cluster.register_node("static", {"cpu": 1})
        yield cluster
