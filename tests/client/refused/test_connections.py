"""A cluster works over any connection, from many threads, on both sides of a fork, and when scripts are forgotten."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fakeredis
import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from handoff.words.function import Function
from support.books import check_books
from support.refused import Opaque, shown, work


class TestConnections:
    def test_a_connection_that_decodes_does_no_harm(self, connection: redis.Redis) -> None:
        kwargs = connection.connection_pool.connection_kwargs
        decoding = redis.Redis(
            connection_pool=redis.ConnectionPool(
                connection_class=connection.connection_pool.connection_class, **{**kwargs, "decode_responses": True}
            )
        )
        with Cluster(connection=decoding, namespace=f"t{uuid.uuid4().hex}") as cluster:
            cluster.register_node("a", {"cpu": 1, "gpu": 1})

            handle = cluster.enqueue(work, b"\xff", cost={"gpu": 0.5})

            assert (handle.node, handle.devices, handle.status) == ("a", {"gpu": [0]}, "queued")
            assert handle.job.args == (b"\xff",)
            assert cluster.discover_nodes() == {"a": {"cpu": 1, "gpu": 1}}
            assert cluster.events()[0][1]["event"] == "node"
            assert handle.cancel()
            check_books(cluster.store)
        assert decoding.ping()
        decoding.connection_pool.disconnect()

    def test_eight_threads_share_one_cluster_while_the_server_forgets_its_scripts(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 3})
        done = threading.Event()

        def forget() -> int:
            flushes = 0
            while not done.is_set():
                cluster.connection.script_flush()
                flushes += 1
            return flushes

        def use(number: int) -> list[bool]:
            outcomes = []
            for _ in range(6):
                handle = cluster.enqueue(work, cost={"cpu": 1}, priority=number)
                cluster.resources_available("a", {"cpu": 1})
                outcomes.append(handle.cancel())
            return outcomes

        with ThreadPoolExecutor(9) as threads:
            flushing = threads.submit(forget)
            try:
                outcomes = [outcome for each in threads.map(use, range(8)) for outcome in each]
            finally:
                done.set()

        assert flushing.result() > 0
        assert outcomes == [True] * 48
        assert cluster.tracker.available("a") == {"cpu": 3}

    def test_every_call_works_when_the_server_has_just_forgotten_all_scripts(self, cluster: Cluster) -> None:
        def forgotten() -> Cluster:
            cluster.connection.script_flush()
            return cluster

        forgotten().register_node("a", {"cpu": 2})
        assert forgotten().discover_nodes() == {"a": {"cpu": 2}}
        claim = forgotten().tracker.request("a", {"cpu": 1})
        claims = forgotten().tracker.allocate_and_claim([Function("f", work, cost={"cpu": 1})])
        handle = forgotten().enqueue(work, cost={"cpu": 1})
        assert not forgotten().resources_available("a", {"cpu": 1})
        assert forgotten().tracker.release(claim)
        assert handle.status == "queued"
        assert forgotten().tracker.release(claims["f"])
        assert forgotten().handle(handle.id).cancel()
        with pytest.raises(TimeoutError):
            forgotten().enqueue(work, node="a").result(timeout=0)
        forgotten().deregister_node("a")

    def test_a_cluster_is_used_on_both_sides_of_a_fork(self, server: RedisServer) -> None:
        # In a process of its own: this one has threads, and a fork of it would have to be careful.
        script = textwrap.dedent("""
            import os, sys
            from handoff.client.cluster import Cluster

            cluster = Cluster(sys.argv[1], namespace=sys.argv[2])
            cluster.enqueue("tasks:work", cost={"cpu": 1}, job_id=f"{sys.argv[2]}-before")
            child = os.fork()
            side = "parent" if child else "child"
            for number in range(20):
                id = f"{sys.argv[2]}-{side}-{number}"
                assert cluster.enqueue("tasks:work", cost={"cpu": 1}, job_id=id).id == id
                assert cluster.handle(id).status in ("queued", "waiting")
            if child:
                assert os.waitpid(child, 0)[1] == 0, "the child failed"
            os._exit(0)
        """)
        with Cluster(server.url, namespace=f"t{uuid.uuid4().hex}") as cluster:
            cluster.register_node("a", {"cpu": 30})

            command = [sys.executable, "-c", script, server.url, cluster.namespace]
            done = subprocess.run(command, capture_output=True, timeout=50, text=True)

            assert (done.returncode, done.stderr) == (0, "")
            assert cluster.tracker.available("a") == {"cpu": 0}
            assert cluster.connection.zcard(cluster.store.keys("rq_deferred", cluster.namespace)) == 11
            check_books(cluster.store)

    def test_a_url_and_a_connection_are_not_given_together(self) -> None:
        with pytest.raises(ValueError, match="give one"):
            Cluster("redis://localhost", connection=fakeredis.FakeRedis())

    def test_a_url_that_is_none_is_refused_when_the_cluster_is_made(self) -> None:
        with pytest.raises(ValueError, match="rediss://"):
            Cluster("localhost:6379")

    @pytest.mark.parametrize("serializer", ["json", "msgpacks", Opaque(), 7], ids=shown)
    def test_a_serializer_that_agents_do_not_know_is_refused(self, connection: redis.Redis, serializer: Any) -> None:
        with pytest.raises(ValueError, match="is not a serializer"):
            Cluster(connection=connection, serializer=serializer)
