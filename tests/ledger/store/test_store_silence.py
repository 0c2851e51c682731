"""Connections that die silently, and servers that stand still: what a call costs then, and how long it waits."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import inf
from types import SimpleNamespace

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger import connection as connection_module
from handoff.ledger.asking import GIVE_UP_AFTER_S, LONGEST_OUTAGE_S
from handoff.ledger.connection import REUSED_S, SILENCE_S
from handoff.ledger.store import Store
from handoff.local.server import RedisServer
from support.agent import FakeAgent, ok
from support.connections import NODE
from support.link import Link
from support.waiting import LIMIT_S, wait_until


@pytest.fixture
def link(server: RedisServer) -> Iterator[Link]:
    with Link(server.port) as link:
        yield link


@pytest.fixture
def linked(server: RedisServer, link: Link) -> Iterator[Cluster]:
    with Cluster(link.url(server.url), namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        cluster.register_node("a", NODE)
        yield cluster


@pytest.mark.parametrize(
    "call",
    [
        lambda cluster: cluster.enqueue("tasks:work").status == "queued",
        lambda cluster: cluster.discover_nodes() == {"a": NODE},
        lambda cluster: cluster.events() != [],
    ],
    ids=["a script that writes", "a script that reads", "a plain read"],
)
def test_a_call_on_a_connection_that_has_died_silently_is_answered_on_a_fresh_one(
    linked: Cluster, link: Link, call: Callable[[Cluster], bool]
) -> None:
    link.silence()

    assert call(linked)
    assert link.connections == 2


def test_where_all_of_several_idle_connections_have_died_the_second_attempt_takes_none_of_them(
    linked: Cluster, link: Link
) -> None:
    together = threading.Barrier(3)

    def call(_: int) -> None:
        with_all: Callable[[], object] = lambda: (together.wait(LIMIT_S), linked.store.client.ping())  # noqa: E731
        linked.store.insist(with_all)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(call, range(3)))
    before = link.connections
    link.silence()

    assert linked.discover_nodes() == {"a": NODE}
    assert link.connections == before + 1


def test_the_time_that_a_used_connection_gets_leaves_some_to_a_fresh_one() -> None:
    assert REUSED_S < GIVE_UP_AFTER_S
    assert REUSED_S < SILENCE_S


@pytest.mark.slow
def test_who_waits_for_a_result_waits_on_while_redis_stands_still(linked: Cluster, link: Link) -> None:
    agent = FakeAgent(linked.store, "b", {"cpu": 1}).register()
    handle = linked.enqueue("tasks:work", node="b")
    (started,) = agent.take()
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(handle.result, LIMIT_S)
        before = link.connections
        link.down.close()
        # Twice given up for silence, and asked anew: longer than any single call lasts.
        wait_until(lambda: link.connections >= before + 3, "it asks again and again")
        link.down.open()
        agent.finish(ok(started.id, 7))

        assert result.result(LIMIT_S) == 7


def test_events_are_waited_for_longer_than_a_connection_may_be_silent(linked: Cluster, clock: SimpleNamespace) -> None:
    last = linked.events()[-1][0]
    read: Callable[..., object] = linked.store.client.execute_command
    blocks: list[int] = []

    def counted(*words: object) -> object:
        blocks.append(int(str(words[words.index("BLOCK") + 1])))
        return read(*words)

    linked.store.way.execute = counted

    assert linked.events(last, block_s=1.2) == []
    assert max(blocks) <= SILENCE_S * 1000 / 2
    assert len(blocks) > 1


class Silent:
    """A server that is silent, or gone: each call takes as long as its caller waits, by the store's own clock."""

    def __init__(self, store: Store, clock: SimpleNamespace, error: Exception) -> None:
        self.store, self.clock, self.error = store, clock, error
        self.begun: list[float] = []
        self.takes_s = 5.0 if isinstance(error, redis.TimeoutError) else 0.0

    def call(self) -> None:
        self.begun.append(self.clock.now)
        self.clock.now += self.takes_s
        raise self.error

    def ask(self, store: Store) -> float:
        """How long it took until the caller was told."""
        began = self.clock.now
        with pytest.raises(StoreUnavailable):
            store.insist(self.call)
        return float(self.clock.now - began)


@pytest.fixture
def silent(real: Cluster, clock: SimpleNamespace) -> Silent:
    return Silent(real.store, clock, redis.TimeoutError("no answer"))


@pytest.fixture
def gone(real: Cluster, clock: SimpleNamespace) -> Silent:
    return Silent(real.store, clock, redis.ConnectionError("connection refused"))


def test_a_silent_server_is_asked_again_until_the_deadline_of_the_caller(silent: Silent) -> None:
    assert 35 <= silent.ask(silent.store.until(40)) <= 45
    assert len(silent.begun) > 4


def test_a_closed_port_is_told_within_5_s_however_long_the_caller_would_wait(gone: Silent) -> None:
    assert gone.ask(gone.store.until(40)) <= 5


def test_a_server_that_goes_while_somebody_waits_is_asked_until_the_deadline(gone: Silent) -> None:
    store = gone.store.until(40)
    store.insist(lambda: "answer")

    assert 35 <= gone.ask(store) <= 40


@pytest.fixture
def refusing(real: Cluster, clock: SimpleNamespace) -> Silent:
    return Silent(real.store, clock, redis.exceptions.MasterDownError("MASTERDOWN Link with MASTER is down"))


@pytest.mark.parametrize("what", ["silent", "gone", "refusing"])
def test_who_waits_without_a_limit_is_told_when_redis_has_been_away_for_a_minute(
    request: pytest.FixtureRequest, what: str
) -> None:
    server: Silent = request.getfixturevalue(what)
    store = server.store.until(inf)
    store.insist(lambda: "answer")

    assert LONGEST_OUTAGE_S - 5 <= server.ask(store) <= LONGEST_OUTAGE_S + 5


def test_a_refusal_that_no_waiting_changes_is_told_at_once(refusing: Silent) -> None:
    refusing.error = redis.exceptions.NoPermissionError("NOPERM this user has no permissions")
    store = refusing.store.until(inf)
    store.insist(lambda: "answer")

    assert refusing.ask(store) == 0


def test_whoever_only_asks_is_told_of_a_refusal_at_once(refusing: Silent) -> None:
    refusing.store.insist(lambda: "answer")

    assert refusing.ask(refusing.store) == 0


def test_whoever_only_asks_is_told_after_one_silence(silent: Silent) -> None:
    assert silent.ask(silent.store) <= 5
    assert len(silent.begun) == 1


@pytest.mark.parametrize("is_used", [True, False], ids=["a used connection", "a fresh connection"])
@pytest.mark.parametrize("timeout_s", [0.5, 1, 2, 5, 30])
def test_a_server_that_says_nothing_is_told_within_the_timeout_of_the_cluster(
    real: Cluster, clock: SimpleNamespace, timeout_s: float, is_used: bool
) -> None:
    asked = 0

    def say_nothing() -> None:
        nonlocal asked
        asked += 1
        limits = connection_module._silence_s.get()
        assert limits is not None
        clock.now += limits[is_used and asked == 1]
        raise redis.TimeoutError("no answer")

    real.store.timeout_s = timeout_s
    with pytest.raises(StoreUnavailable):
        real.store.insist(say_nothing)

    assert timeout_s / 2 < clock.now <= timeout_s
    assert asked == 1 + is_used or timeout_s > 5
