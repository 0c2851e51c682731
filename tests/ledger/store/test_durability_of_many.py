"""What was submitted together is waited for once, behind all of it."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import DuplicateFunction, InvalidFunction, NotDurable, PartlySubmitted, StoreUnavailable
from handoff.ledger import slices
from handoff.local.server import RedisServer
from handoff.words.function import Function
from support.private_servers import client, replicate
from support.proxy import FaultyProxy
from support.waiting import LIMIT_S
from support.yard import snapshot

SHORT_S = 0.3
"""Of a wait that is not met, whatever the machine."""


def functions(count: int) -> list[Function]:
    return [Function(f"f{i}", "tasks:work") for i in range(count)]


def cluster_of(url: str, timeout: float = LIMIT_S) -> Cluster:
    return Cluster(url, timeout=timeout)


@pytest.fixture(autouse=True)
def _small_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 4)


def waits(proxy: FaultyProxy, name: str) -> list[int]:
    """How many calls of an operation had come when it was waited."""
    names = [command.name for command in proxy.commands]
    return [names[:at].count("FCALL") for at, each in enumerate(names) if each == name]


def test_what_was_submitted_to_disk_is_on_it_when_the_call_returns(own_server: RedisServer) -> None:
    client(own_server).config_set("appendfsync", "always")
    with FaultyProxy("127.0.0.1", own_server.port) as proxy, cluster_of(proxy.url(own_server.url)) as cluster:
        cluster.submit_many(functions(1), durability="disk")
        proxy.commands.clear()

        handles = cluster.submit_many(functions(9), durability="disk")

        # Three calls, and the mark that is behind them.
        assert waits(proxy, "WAITAOF") == [4]
        own_server.kill()
        own_server.restart()
        assert [handle.status for handle in handles] == ["waiting"] * 9


def test_where_it_is_not_kept_all_stand_and_the_error_has_their_handles(own_server: RedisServer) -> None:
    client(own_server).config_set("appendfsync", "no")
    with cluster_of(own_server.url, SHORT_S) as cluster:
        with pytest.raises(NotDurable, match=f"^6 functions stand, and .* did not have it within {SHORT_S} s") as told:
            cluster.submit_many(functions(6), durability="disk")

        handles: Any = told.value.handle
        assert [handle.status for handle in handles] == ["waiting"] * 6
        again = pickle.loads(pickle.dumps(told.value))
        assert again.handle == [handle.id for handle in handles]
        assert str(again) == str(told.value)


def test_where_some_are_refused_too_each_of_the_others_says_that_it_is_not_kept(own_server: RedisServer) -> None:
    client(own_server).config_set("appendfsync", "no")
    with cluster_of(own_server.url, SHORT_S) as cluster:
        cluster.enqueue("tasks:work", job_id="taken")

        with pytest.raises(PartlySubmitted) as told:
            cluster.submit_many(functions(3), job_ids=["a", "taken", "c"], durability="disk")

        error = told.value
        assert [handle and handle.id for handle in error.handles] == ["a", None, "c"]
        assert [type(each) for each in error.errors.values()] == [NotDurable, DuplicateFunction, NotDurable]
        assert pickle.loads(pickle.dumps(error)).errors[0].handle == "a"


def test_of_what_stands_when_the_server_goes_away_nothing_is_known(own_server: RedisServer) -> None:
    client(own_server).config_set("appendfsync", "always")
    with cluster_of(own_server.url, 1.0) as cluster:
        cluster.submit_many(functions(1), durability="disk")
        run, calls = cluster.store.run, []

        def call(*given: Any, **arguments: Any) -> Any:
            calls.append(given)
            if len(calls) == 2:
                own_server.kill()
            return run(*given, **arguments)

        cluster.store.run = call  # type: ignore[method-assign]

        with pytest.raises(PartlySubmitted) as told:
            cluster.submit_many(functions(10), durability="disk")

        error = told.value
        kinds = [type(each) for each in error.errors.values()]
        assert kinds == [NotDurable] * 4 + [StoreUnavailable] * 6
        assert "nothing is known of the disk of Redis" in str(error.errors[0])
        assert [handle is not None for handle in error.handles] == [True] * 4 + [False] * 6


def test_where_nothing_was_taken_nothing_is_waited_for(own_server: RedisServer) -> None:
    with FaultyProxy("127.0.0.1", own_server.port) as proxy, cluster_of(proxy.url(own_server.url)) as cluster:
        cluster.enqueue("tasks:work", job_id="taken")
        proxy.commands.clear()

        with pytest.raises(PartlySubmitted):
            cluster.submit_many(functions(1), job_ids=["taken"], durability="disk")

        assert waits(proxy, "WAITAOF") == []


def test_a_replica_has_what_was_submitted_when_the_call_returns(own_server: RedisServer) -> None:
    with RedisServer() as replica:
        replicate(replica, own_server)
        with cluster_of(own_server.url) as cluster:
            handles = cluster.submit_many(functions(20), durability="replica")

            # It has taken on the password of its master.
            copy: Any = redis.Redis.from_url(own_server.url.replace(f":{own_server.port}/", f":{replica.port}/"))
            keys = [cluster.store.keys("rq_job", handle.id) for handle in handles]
            assert copy.exists(*keys) == len(keys)


@pytest.mark.parametrize("durability", ["disk", "both"])
def test_a_server_that_cannot_keep_it_is_told_before_anything_is_written(server: RedisServer, durability: Any) -> None:
    with cluster_of(server.url) as cluster:
        before = snapshot(cluster.store)

        with pytest.raises(InvalidFunction, match="function 'f0'"):
            cluster.submit_many(functions(9), durability=durability)

        assert snapshot(cluster.store) == before
