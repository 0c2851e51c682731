"""Connections that were used just now are used again, without all that redis-py does for it, and no less safely."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.ledger.connection import asker, silence
from handoff.ledger.store import own_client
from handoff.local.server import RedisServer


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    client = own_client(None, server.url)
    yield client
    client.close()


def test_one_after_the_other_is_asked_on_the_same_connection(client: redis.Redis) -> None:
    ask = asker(client)

    assert len({ask("CLIENT", "ID") for _ in range(3)}) == 1


def test_plain_commands_use_what_is_kept_ready(client: redis.Redis) -> None:
    ask, plain = asker(client), client.client_id

    assert ask("CLIENT", "ID") == plain() == ask("CLIENT", "ID") == plain()


def test_as_many_as_there_may_be_are_there_for_both(client: redis.Redis) -> None:
    ask = asker(client)
    pool: Any = client.connection_pool
    pool.max_connections = 2
    held = pool.get_connection()
    ask("PING")

    other = pool.get_connection()

    with pytest.raises(redis.ConnectionError):
        ask("PING")
    pool.release(held)
    pool.release(other)
    assert ask("PING") == b"PONG"


def test_two_threads_have_two(client: redis.Redis) -> None:
    ask, both = asker(client), threading.Barrier(2)

    def ids() -> int:
        both.wait(60)
        ask("BLPOP", "nothing", "0.2")
        return int(ask("CLIENT", "ID"))

    with ThreadPoolExecutor(2) as threads:
        assert len({each.result() for each in [threads.submit(ids) for _ in range(2)]}) == 2


def test_one_that_the_server_has_closed_is_not_used_again(client: redis.Redis, server: RedisServer) -> None:
    ask = asker(client)
    was = ask("CLIENT", "ID")
    with redis.Redis.from_url(server.url) as admin:
        admin.client_kill_filter(_id=was)

    assert ask("CLIENT", "ID") != was


def test_one_whose_reply_nobody_has_read_is_not_used_again(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = asker(client)
    ask("PING")

    def interrupted(*_: object, **__: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(client.connection_pool.connection_class, "read_response", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ask("ECHO", "of another")

    assert ask("ECHO", "its own") == b"its own"


def test_what_the_server_refuses_leaves_the_connection_as_it_is(client: redis.Redis) -> None:
    ask = asker(client)
    was = ask("CLIENT", "ID")

    with pytest.raises(redis.ResponseError):
        ask("NOTHING")

    assert ask("CLIENT", "ID") == was


def test_one_that_waits_for_another_time_has_its_own_limit(client: redis.Redis) -> None:
    ask = asker(client)
    ask("PING")

    with silence(0.05), pytest.raises(redis.TimeoutError):
        ask("BLPOP", "nothing", "30")

    assert ask("BLPOP", "nothing", "0.1") is None


def test_idle_ones_are_closed_with_the_others(client: redis.Redis) -> None:
    ask = asker(client)
    was = ask("CLIENT", "ID")

    client.connection_pool.disconnect(inuse_connections=False)

    assert ask("CLIENT", "ID") != was


def _submit_in_a_child(cluster: Cluster, told: Any) -> None:
    told.put((cluster.connection.client_id(), cluster.enqueue("tasks:work").status))


def test_a_child_has_connections_of_its_own(real: Cluster) -> None:
    real.enqueue("tasks:work")
    context: Any = multiprocessing.get_context("fork")
    told = context.SimpleQueue()
    child = context.Process(target=_submit_in_a_child, args=(real, told))

    child.start()
    id, status = told.get()
    child.join(60)

    assert status == "waiting"
    assert id != real.connection.client_id()
    assert real.enqueue("tasks:work").status == "waiting"
