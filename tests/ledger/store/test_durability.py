"""What a submit waits for beyond the memory of one server: that it stands on its disk, or with a replica."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import fakeredis
import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import DuplicateFunction, InvalidFunction, NotDurable, StoreUnavailable
from handoff.graph.dag import DAG
from handoff.local.server import RedisServer
from handoff.words.function import Function
from support.private_servers import client, replicate
from support.proxy import FaultyProxy
from support.waiting import LIMIT_S, wait_until
from support.yard import snapshot

SHORT_S = 0.3
"""Of a wait that is not met, whatever the machine."""

WAITS = {"disk": "WAITAOF", "replica": "WAIT"}


@pytest.fixture
def replica(own_server: RedisServer) -> Iterator[RedisServer]:
    with RedisServer() as server:
        replicate(server, own_server)
        yield server
        server.resume()


def sync(server: RedisServer, how: str) -> None:
    client(server).config_set("appendfsync", how)


def cluster_of(url: str, timeout: float = LIMIT_S, **options: Any) -> Cluster:
    cluster = Cluster(url, namespace=f"t{uuid.uuid4().hex[:12]}", timeout=timeout, **options)
    cluster.register_node("a", {"cpu": 2})
    return cluster


def make_unable(server: RedisServer, replica: RedisServer, durability: str) -> None:
    """Have the server promise what it cannot keep."""
    if durability == "disk":
        sync(server, "no")
    else:
        replica.pause()


def make_able(server: RedisServer, replica: RedisServer, durability: str) -> None:
    if durability == "disk":
        sync(server, "always")
    else:
        replica.resume()


class TestKept:
    def test_what_was_submitted_to_disk_is_on_it_when_the_call_returns(self, own_server: RedisServer) -> None:
        sync(own_server, "always")
        with cluster_of(own_server.url) as cluster:
            handle = cluster.enqueue("tasks:work", durability="disk")

            own_server.kill()
            own_server.restart()
            assert handle.status == "queued"

    def test_what_was_submitted_to_a_replica_is_there_when_the_call_returns(
        self, own_server: RedisServer, replica: RedisServer
    ) -> None:
        with cluster_of(own_server.url, durability="replica") as cluster:
            ids = [cluster.enqueue("tasks:work").id for _ in range(20)]
            run = cluster.submit_dag(DAG("d").add(Function("f", "tasks:work")))

            # It has taken on the password of its master.
            copy: Any = redis.Redis.from_url(own_server.url.replace(f":{own_server.port}/", f":{replica.port}/"))
            assert copy.exists(*(cluster.store.keys("rq_job", id) for id in ids)) == len(ids)
            assert copy.exists(cluster.store.keys("rq_job", run.handle("f").id))

    def test_scripts_that_the_server_has_forgotten_are_brought_back(
        self, own_server: RedisServer, replica: RedisServer
    ) -> None:
        with cluster_of(own_server.url, durability="replica") as cluster:
            client(own_server).script_flush()

            assert cluster.submit(Function("f", "tasks:work")).status == "queued"

    def test_an_id_that_is_taken_is_told_as_ever(self, own_server: RedisServer, replica: RedisServer) -> None:
        with cluster_of(own_server.url, durability="replica") as cluster:
            cluster.enqueue("tasks:work", job_id="x")

            with pytest.raises(DuplicateFunction):
                cluster.enqueue("tasks:work", job_id="x")


@pytest.mark.parametrize("durability", WAITS)
class TestNotKept:
    def test_the_function_stands_and_the_error_has_its_handle(
        self, own_server: RedisServer, replica: RedisServer, durability: Any
    ) -> None:
        make_unable(own_server, replica, durability)
        with cluster_of(own_server.url, SHORT_S) as cluster:
            with pytest.raises(NotDurable, match=f"did not have it within {SHORT_S} s: go on with .handle") as told:
                cluster.enqueue("tasks:work", job_id="x", durability=durability)

            handle: Any = told.value.handle
            assert (handle.id, handle.status, handle.verdict.node) == ("x", "queued", "a")
            assert pickle.loads(pickle.dumps(told.value)).handle == "x"
            with pytest.raises(NotDurable) as told:
                cluster.submit_dag(DAG("d").add(Function("f", "tasks:work")), durability=durability)
            run: Any = told.value.handle
            assert run.handle("f").status == "queued"
            assert cluster.enqueue("tasks:work", durability="memory").status == "queued"

            make_able(own_server, replica, durability)
        with cluster_of(own_server.url) as cluster:
            assert cluster.enqueue("tasks:work", durability=durability).status == "queued"

    @pytest.mark.parametrize("lost", ["script", "wait"])
    def test_a_repeat_after_a_lost_reply_promises_it_no_sooner(
        self, own_server: RedisServer, replica: RedisServer, durability: Any, lost: str
    ) -> None:
        with FaultyProxy("127.0.0.1", own_server.port) as proxy, cluster_of(proxy.url(own_server.url)) as cluster:
            make_able(own_server, replica, durability)
            cluster.enqueue("tasks:work", durability=durability)
            make_unable(own_server, replica, durability)
            cluster.store.timeout_s = 2.0
            name = "FCALL" if lost == "script" else WAITS[durability]
            proxy.drop_reply(match=name)

            # After a wait that was not met there is no time left to ask again.
            with pytest.raises(NotDurable if lost == "script" else StoreUnavailable):
                cluster.enqueue("tasks:work", job_id="x", durability=durability)

            assert cluster.handle("x").status == "queued"

    @pytest.mark.parametrize("lost", ["script", "wait"])
    def test_after_a_lost_reply_it_is_submitted_once(
        self, own_server: RedisServer, replica: RedisServer, durability: Any, lost: str
    ) -> None:
        make_able(own_server, replica, durability)
        with FaultyProxy("127.0.0.1", own_server.port) as proxy, cluster_of(proxy.url(own_server.url)) as cluster:
            name = "FCALL" if lost == "script" else WAITS[durability]
            fault = proxy.drop_reply(match=name)

            cluster.enqueue("tasks:work", durability=durability)

            assert fault.happened.is_set()
            queue: Any = client(own_server)
            assert queue.llen(f"rq:queue:{cluster.namespace}.a") == 1

    def test_who_is_woken_because_the_master_steps_down_asks_the_next_one(
        self, own_server: RedisServer, replica: RedisServer, durability: Any
    ) -> None:
        make_unable(own_server, replica, durability)
        master: Any = client(own_server)
        name = WAITS[durability].lower()

        def waiting() -> list[str]:
            return [each["id"] for each in master.client_list() if each["cmd"] == name and "b" in each["flags"]]

        with cluster_of(own_server.url) as cluster, ThreadPoolExecutor() as pool:
            submitted = pool.submit(cluster.enqueue, "tasks:work", durability=durability)
            wait_until(lambda: bool(waiting()), "the client waits")

            (id,) = waiting()
            # As a server says it that becomes a replica.
            master.client_unblock(id, error=True)
            wait_until(lambda: waiting() not in ([], [id]), "it waits anew")
            make_able(own_server, replica, durability)

            assert submitted.result(LIMIT_S).status == "queued"
            assert master.llen(f"rq:queue:{cluster.namespace}.a") == 1


class TestRefused:
    """Where the server cannot keep it, nothing is written."""

    @pytest.mark.parametrize(
        ("durability", "said"),
        [
            ("disk", "keeps no append-only file: set appendonly to yes"),
            ("replica", "has no replica that is connected: give it one"),
            ("both", "durability is 'both': choose one of memory, disk, replica"),
            (1, "durability is 1: choose one of"),
        ],
    )
    def test_a_server_that_cannot_keep_it_is_told_before_anything_is_written(
        self, server: RedisServer, durability: Any, said: str
    ) -> None:
        calls: list[Callable[[Cluster], object]] = [
            lambda cluster: cluster.enqueue("tasks:work", durability=durability),
            lambda cluster: cluster.submit(Function("f", "tasks:work"), durability=durability),
            lambda cluster: cluster.submit_dag(DAG("d").add(Function("f", "tasks:work")), durability=durability),
        ]
        with cluster_of(server.url) as cluster:
            before = snapshot(cluster.store)
            for call in calls:
                with pytest.raises(InvalidFunction, match=said):
                    call(cluster)
            assert snapshot(cluster.store) == before
            cluster.deregister_node("a")

    @pytest.mark.parametrize("durability", WAITS)
    def test_fakeredis_can_keep_none(self, durability: Any) -> None:
        given = fakeredis.FakeRedis(server=fakeredis.FakeServer())
        with Cluster(connection=given, durability=durability) as cluster:
            with pytest.raises(InvalidFunction, match="does not say"):
                cluster.enqueue("tasks:work")
            assert given.keys() == []

    @pytest.mark.parametrize("durability", WAITS)
    def test_who_may_not_ask_the_server_is_told_which_right_is_missing(
        self, own_server: RedisServer, durability: Any
    ) -> None:
        admin: Any = client(own_server)
        admin.execute_command("ACL", "SETUSER", "u", "on", ">secret", "~*", "&*", "+@all", "-@dangerous", "-@admin")
        given = redis.Redis(port=own_server.port, username="u", password="secret")
        with (
            Cluster(connection=given) as cluster,
            pytest.raises(InvalidFunction, match=r"give this user the .* \+info"),
        ):
            cluster.enqueue("tasks:work", durability=durability)

    def test_a_version_without_waitaof_is_told(self, own_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
        with cluster_of(own_server.url) as cluster:
            monkeypatch.setattr(cluster.store, "read", lambda command: {"redis_version": "7.0.15", "aof_enabled": 1})
            with pytest.raises(InvalidFunction, match=r"of version 7\.0\.15: use Redis or Valkey 7\.2 or later"):
                cluster.enqueue("tasks:work", durability="disk")

    def test_a_server_is_asked_once_and_again_after_it_did_not_keep_it(
        self, own_server: RedisServer, replica: RedisServer
    ) -> None:
        asked: Any = client(own_server)

        def count() -> int:
            return int(asked.info("commandstats").get("cmdstat_info", {"calls": 0})["calls"])

        with cluster_of(own_server.url, SHORT_S, durability="replica") as cluster:
            cluster.store.timeout_s = LIMIT_S
            cluster.enqueue("tasks:work")
            before = count()
            cluster.enqueue("tasks:work")
            assert count() == before + 1  # that of this test

            replica.kill()
            wait_until(lambda: asked.info("replication")["connected_slaves"] == 0, "the replica has left")
            cluster.store.timeout_s = SHORT_S
            with pytest.raises(NotDurable):
                cluster.enqueue("tasks:work")
            with pytest.raises(InvalidFunction, match="has no replica"):
                cluster.enqueue("tasks:work")
            replica.restart()

    def test_a_cluster_takes_no_other_word(self) -> None:
        with pytest.raises(ValueError, match="durability is 'safe': choose one of memory, disk, replica"):
            Cluster(durability="safe")  # type: ignore[arg-type]
