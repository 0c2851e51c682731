"""A server that became a replica: clients forget their connections, and ask under its name, which may have moved on."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.local.server import RedisServer
from support.agent import FakeAgent, ok
from support.connections import NODE
from support.link import Link
from support.private_servers import client, fail_over, replicate
from support.waiting import LIMIT_S, wait_until


@pytest.fixture
def other() -> Iterator[RedisServer]:
    """The server that takes over."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def link(own_server: RedisServer) -> Iterator[Link]:
    with Link(own_server.port) as link:
        yield link


@pytest.fixture
def cluster(own_server: RedisServer, other: RedisServer, link: Link) -> Iterator[Cluster]:
    """A cluster that reaches its server by an address that may lead to the other one."""
    replicate(other, own_server)
    with Cluster(link.url(own_server.url), namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        cluster.register_node("a", NODE)
        yield cluster


@pytest.mark.parametrize(
    "call",
    [
        lambda cluster: cluster.enqueue("tasks:work"),
        lambda cluster: cluster.register_node("b", NODE),
        lambda cluster: cluster.tracker.request("a", {"cpu": 1}),
        lambda cluster: cluster.store.attempt("probe", name="a", cost="") and cluster.drain("a"),
    ],
    ids=["submit", "register", "request", "drain"],
)
def test_a_client_follows_an_address_that_has_moved_on(
    cluster: Cluster, own_server: RedisServer, other: RedisServer, link: Link, call: Callable[[Cluster], object]
) -> None:
    fail_over(own_server, other)
    link.lead_to(other.port)

    call(cluster)


def test_where_the_address_moves_later_the_next_call_follows_it(
    cluster: Cluster, own_server: RedisServer, other: RedisServer, link: Link
) -> None:
    fail_over(own_server, other)
    with pytest.raises(StoreUnavailable, match="read only"):
        cluster.register_node("b", NODE)

    link.lead_to(other.port)

    cluster.register_node("b", NODE)
    assert list(cluster.discover_nodes()) == ["a", "b"]


def test_what_is_asked_once_is_not_repeated_but_asks_the_new_server_the_next_time(
    cluster: Cluster, own_server: RedisServer, other: RedisServer, link: Link
) -> None:
    fail_over(own_server, other)
    link.lead_to(other.port)

    with pytest.raises(StoreUnavailable, match="read only"):
        cluster.store.attempt("limit", count=0, ms=0)

    assert cluster.store.attempt("limit", count=0, ms=0) == ["limited"]


def test_who_waits_for_a_result_gets_it_over_a_failover(
    cluster: Cluster, own_server: RedisServer, other: RedisServer, link: Link
) -> None:
    agent = FakeAgent(cluster.store, "c", {"cpu": 1}).register()
    handle = cluster.enqueue("tasks:work", node="c")
    (started,) = agent.take()
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(handle.result, LIMIT_S)
        direct: Any = client(own_server)
        wait_until(lambda: any("b" in each["flags"] for each in direct.client_list()), "it waits there")

        fail_over(own_server, other)
        link.lead_to(other.port)
        agent.finish(ok(started.id, 7))

        assert result.result(LIMIT_S) == 7


def test_other_threads_leave_the_old_server_too(
    cluster: Cluster, own_server: RedisServer, other: RedisServer, link: Link
) -> None:
    together = threading.Barrier(4)

    def call(number: int) -> None:
        together.wait(LIMIT_S)
        cluster.register_node(f"n{number}", NODE)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(call, range(4)))
        fail_over(own_server, other)
        link.lead_to(other.port)
        list(pool.map(call, range(4, 8)))

    assert len(cluster.discover_nodes()) == 9


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", True),
        ("ERR something else", False),
    ],
)
def test_who_is_woken_because_its_server_steps_down_asks_once_more(
    real: Cluster, clock: SimpleNamespace, text: str, is_told: bool
) -> None:
    asked = []

    def call() -> str:
        asked.append(1)
        if len(asked) == 1:
            raise redis.ResponseError(text)
        return "answer"

    if is_told:
        assert real.store.insist(call) == "answer"
    else:
        with pytest.raises(redis.ResponseError):
            real.store.insist(call)
    assert clock.pauses == []
