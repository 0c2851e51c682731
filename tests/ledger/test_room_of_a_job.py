"""How much of Redis a function takes that has ended, by how the server is set."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support import need_redis_server
from support.agent import FakeAgent, ok

UNSET, AS_TOLD = 4096, 256
"""Values of stream-node-max-bytes: Redis's own, and what operators are told to set."""


@pytest.mark.parametrize(("node_bytes", "at_least", "at_most"), [(UNSET, 4500, 6000), (AS_TOLD, 1000, 2000)])
def test_a_finished_function_takes_a_fraction_where_streams_are_set_as_operators_are_told(
    node_bytes: int, at_least: int, at_most: int
) -> None:
    need_redis_server()
    with RedisServer() as server, Cluster(server.url) as cluster:
        redis: Any = cluster.connection
        redis.config_set("stream-node-max-bytes", node_bytes)
        agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
        handle = cluster.enqueue("operator:add", 1, 1)

        agent.finish(*(ok(started.id, 2) for started in agent.take()))

        keys = [cluster.store.keys(kind, handle.id) for kind in ("rq_job", "rq_results")]
        assert at_least <= sum(redis.memory_usage(key) for key in keys) <= at_most
