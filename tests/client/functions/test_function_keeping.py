"""How long a function and its results are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import UnknownFunction
from handoff.ledger.housekeeping import tick
from handoff.local.server import RedisServer
from support.agent import FakeAgent, Result, failure, killed, ok
from support.books import check_books
from support.expiry import FOR_EVER, Expiry
from support.submits import run, to_queued, to_waiting
from support.waiting import LIMIT_S


class TestKeeping:
    def keys(self, cluster: Cluster, handle: Handle) -> list[str]:
        """Of the job's hash, and of its results."""
        return [cluster.store.keys(kind, handle.id) for kind in ("rq_job", "rq_results")]

    def test_a_function_that_has_not_ended_is_kept(self, cluster: Cluster, agent: FakeAgent) -> None:
        for handle in (to_queued(cluster, agent), to_waiting(cluster, agent)):
            assert cluster.connection.ttl(self.keys(cluster, handle)[0]) == FOR_EVER

    @pytest.mark.parametrize(
        ("end", "options", "seconds"),
        [
            (ok, {}, 500),
            (ok, {"result_ttl": None}, 500),
            (ok, {"result_ttl": 7, "failure_ttl": 9}, 7),
            (ok, {"result_ttl": -1}, -1),
            (failure, {}, 365 * 24 * 3600),
            (failure, {"result_ttl": 7, "failure_ttl": 9}, 9),
            (failure, {"failure_ttl": -1}, -1),
            (killed, {"result_ttl": 7, "failure_ttl": 9}, 9),
        ],
    )
    def test_how_long_it_is_kept_after_its_end_is_the_users_choice(
        self, cluster: Cluster, agent: FakeAgent, end: Callable[[str], Result], options: dict[str, int], seconds: int
    ) -> None:
        handle = cluster.enqueue("tasks:work", **options)  # type: ignore[arg-type]
        expiry = Expiry(cluster.connection)

        run(agent, end)

        expiry.check(seconds, self.keys(cluster, handle))

    def test_a_canceled_function_is_kept_as_a_failed_one(self, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:work", failure_ttl=9)
        expiry = Expiry(cluster.connection)

        handle.cancel()

        expiry.check(9, self.keys(cluster, handle))

    @pytest.mark.parametrize(("end", "option"), [(ok, "result_ttl"), (failure, "failure_ttl")])
    def test_with_a_ttl_of_zero_nothing_is_kept(
        self, cluster: Cluster, agent: FakeAgent, end: Callable[[str], Result], option: str
    ) -> None:
        handle = cluster.enqueue("tasks:work", **{option: 0})  # type: ignore[arg-type]

        run(agent, end)

        assert not cluster.connection.exists(*self.keys(cluster, handle))
        with pytest.raises(UnknownFunction):
            handle.result()

    def test_a_retry_keeps_what_has_not_ended(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = cluster.enqueue("tasks:work", max_retries=1, failure_ttl=9)

        run(agent, failure)

        assert cluster.connection.ttl(self.keys(cluster, handle)[0]) == FOR_EVER

    def test_all_has_an_owner_and_goes_with_it(self, own_server: RedisServer) -> None:
        subscribe: Callable[..., Any] = redis.Redis.from_url(own_server.url).pubsub
        with Cluster(own_server.url) as cluster, subscribe(ignore_subscribe_messages=True) as expired:
            cluster.connection.config_set("notify-keyspace-events", "Ex")
            expired.subscribe("__keyevent@0__:expired")
            agent = FakeAgent(cluster.store, "a", {"cpu": 1, "gpu": 1}).register()
            short: dict[str, Any] = {"cost": {"cpu": 1, "gpu": 0.5}, "result_ttl": 1, "failure_ttl": 1}
            for end in (ok, failure, killed):
                cluster.enqueue("tasks:work", job_id=end.__name__, **short)
                run(agent, end)
            for id in ("queued", "waiting"):
                cluster.enqueue("tasks:work", job_id=id, **short)
            for id in ("queued", "waiting"):
                assert cluster.handle(id).cancel()
            claim = cluster.tracker.request("a", {"cpu": 1})
            cluster.tracker.release(claim)
            assert agent.goodbye()

            awaited = {cluster.store.keys("rq_job", id) for id in ("ok", "failure", "killed", "queued", "waiting")}
            awaited |= {cluster.store.keys("rq_results", id) for id in ("ok", "failure", "killed", "queued", "waiting")}
            while awaited:
                message = expired.get_message(timeout=LIMIT_S)
                if message is not None:
                    awaited.discard(message["data"].decode())
            cluster.store.now_ms = round(cluster.connection.time()[0] * 1000) + 10_000
            tick(cluster.store)

            left = {key.decode() for key in cluster.connection.scan_iter("*")}
            permanent = {
                cluster.store.keys(name) for name in ("clock", "epoch", "order", "events", "sweep", "rq_queues")
            }
            assert left - permanent == {cluster.store.keys("released", claim.id)}
            assert cluster.connection.smembers(cluster.store.keys("rq_queues")) == {b"rq:queue:handoff"}
            check_books(cluster.store)

    @pytest.fixture
    def own_server(self, server: RedisServer) -> Iterator[RedisServer]:
        """One that may be told to report what expires."""
        with RedisServer() as own:
            yield own
