"""A server that refuses to write refuses heartbeats too: the time for which it does so counts for no lease."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger import housekeeping
from handoff.local.server import RedisServer
from support import need_redis_server
from support.agent import FakeAgent, ok
from support.books import check_books

LEASE_MS = 15_000

REFUSING = {"is full": ("maxmemory", 1, 0), "has too few replicas": ("min-replicas-to-write", 1, 0)}
"""A setting with which a server refuses to write, and with which it does not. (A full disk refuses like the second.)"""


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    need_redis_server()
    with RedisServer() as server:
        yield server


@pytest.mark.parametrize(("setting", "refusing", "serving"), REFUSING.values(), ids=REFUSING)
def test_no_lease_ends_while_a_server_refuses(
    own_server: RedisServer, setting: str, refusing: int, serving: int
) -> None:
    with Cluster(own_server.url) as cluster, redis.Redis.from_url(own_server.url) as connection:
        cluster.store.now_ms = 1_800_000_000_000
        agents = [
            FakeAgent(cluster.store, name, {"cpu": 1, "slots": 40}, lease_ms=LEASE_MS).register() for name in "ab"
        ]
        busy = agents[0]
        for _ in range(2 * LEASE_MS // 1000):
            cluster.enqueue("module:f", node="a")
        started = busy.take(2 * LEASE_MS // 1000)
        connection.config_set(setting, refusing)

        for function in started:
            cluster.store.now_ms += 1000
            for agent in agents:
                with pytest.raises(StoreUnavailable):
                    agent.beat()
            # A server that is full lets this through, because it frees memory first.
            if setting == "maxmemory":
                busy.finish(ok(function.id))
        connection.config_set(setting, serving)
        housekeeping.tick(cluster.store)

        for agent in agents:
            assert agent.beat() == []
        check_books(cluster.store)


def test_a_server_that_is_full_takes_a_result_and_lets_the_next_start_in_its_room(own_server: RedisServer) -> None:
    with Cluster(own_server.url) as cluster, redis.Redis.from_url(own_server.url) as connection:
        agent = FakeAgent(cluster.store, "a", {"cpu": 2}).register()
        handles = [cluster.enqueue("module:f", cost={"cpu": 1}) for _ in range(4)]
        one, _ = agent.take(room=2)
        connection.config_set("maxmemory", 1)

        # Without a result nothing starts, for nothing is given back first.
        with pytest.raises(StoreUnavailable):
            cluster.enqueue("module:f", cost={"cpu": 1})
        assert agent.finish(ok(one.id), room=1) == ["stored"]

        assert sorted(handle.status for handle in handles) == ["finished", "started", "started", "waiting"]
        connection.config_set("maxmemory", 0)
        check_books(cluster.store)
