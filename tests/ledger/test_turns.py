"""Who ticks: one of all in 400 ms, who has asked by a plain command; of those that wait in one process one for all."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger import housekeeping
from handoff.ledger.housekeeping import await_entry, takes_turn
from handoff.ledger.store import Store
from handoff.ledger.turns import EVERY_MS
from handoff_worker.agent.ledger import NodeLedger
from handoff_worker.machine.holder import this_process
from support.agent import FakeAgent

STREAM = "nothing-comes"


@pytest.fixture
def scripts(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that are called once."""
    called: list[str] = []
    attempt = cluster.store.attempt

    def note(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        called.append(script)
        return attempt(script, *rest, **arguments)

    monkeypatch.setattr(cluster.store, "attempt", note)
    return called


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of this process."""
    now = [time.monotonic()]
    monkeypatch.setattr("handoff.ledger.turns.time.monotonic", lambda: now[0])
    return now


def take(cluster: Cluster) -> None:
    """Have somebody tick just now, for so long that no machine is too slow."""
    cluster.connection.set(cluster.store.keys("tick"), "0", px=EVERY_MS)
    cluster.connection.persist(cluster.store.keys("tick"))


def test_a_turn_that_nobody_has_is_taken_for_400_ms(cluster: Cluster) -> None:
    assert takes_turn(cluster.store)
    assert -1 != cluster.connection.pttl(cluster.store.keys("tick")) <= EVERY_MS


@pytest.mark.parametrize("left_ms", [EVERY_MS + 60_000, -1])
def test_a_turn_that_never_ends_is_taken_over(cluster: Cluster, left_ms: int) -> None:
    take(cluster)
    if left_ms > 0:
        cluster.connection.pexpire(cluster.store.keys("tick"), left_ms)

    assert takes_turn(cluster.store)
    assert -1 != cluster.connection.pttl(cluster.store.keys("tick")) <= EVERY_MS


def answer(monkeypatch: pytest.MonkeyPatch, store: Store, *replies: Any) -> list[Any]:
    """Have plain commands answered so. -> the commands"""
    asked: list[Any] = []

    def once(commands: Any) -> list[Any]:
        asked.append(commands)
        return list(replies)

    monkeypatch.setattr(store, "once", once)
    return asked


def test_whose_turn_it_is_not_calls_no_script(
    cluster: Cluster, scripts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, cluster.store, None, 200)

    await_entry(cluster.store, STREAM, seconds=0.001)

    assert scripts == []


def test_whose_turn_it_is_ticks_while_there_is_more(cluster: Cluster, scripts: list[str]) -> None:
    cluster.store.now_ms = 1_900_000_000_000
    lose_many(cluster)

    await_entry(cluster.store, STREAM, seconds=0.001)

    assert len(scripts) > 1
    assert set(scripts) == {"tick"}
    assert not cluster.connection.exists(cluster.store.keys("abandoned"))


def lose_many(cluster: Cluster) -> None:
    """A node that is gone with more than one tick gives back."""
    agent = FakeAgent(cluster.store, "a", {"cpu": 60}, lease_ms=3_600_000).register()
    for _ in range(60):
        cluster.enqueue("tasks:work", cost={"cpu": 1}, max_retries=0)
    agent.take(60)
    cluster.connection.zadd(cluster.store.keys("leases"), {"a": 1})


def test_of_many_that_wait_in_one_process_one_ticks(cluster: Cluster, scripts: list[str], clock: list[float]) -> None:
    for _ in range(10):
        await_entry(cluster.store.until(clock[0] + 60), STREAM, seconds=0.001)
        cluster.connection.delete(cluster.store.keys("tick"))
    at_once = len(scripts)
    clock[0] += 1
    await_entry(cluster.store.until(clock[0] + 60), STREAM, seconds=0.001)

    assert (at_once, len(scripts)) == (1, 2)


def test_those_for_whom_another_ticked_are_told_that_he_was_refused(
    cluster: Cluster, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> list[Any]:
        raise StoreUnavailable("here", "no") from redis.AuthenticationError("no")

    monkeypatch.setattr(cluster.store, "once", refuse)
    waits: Callable[[], object] = lambda: await_entry(cluster.store, STREAM, seconds=0.001)  # noqa: E731

    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            waits()


def test_clusters_of_one_process_share_the_turn(cluster: Cluster) -> None:
    with Cluster(connection=cluster.connection, namespace=cluster.namespace) as other:
        assert other.store.turn is cluster.store.turn
    with Cluster(connection=cluster.connection, namespace=f"{cluster.namespace}b") as other:
        assert other.store.turn is not cluster.store.turn


class TestOfAnAgent:
    @pytest.fixture
    def ledger(self, cluster: Cluster) -> NodeLedger:
        return NodeLedger(cluster.store, "a", this_process(), uuid.uuid4().hex)

    def test_whose_turn_it_is_not_calls_no_script(
        self, cluster: Cluster, ledger: NodeLedger, scripts: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer(monkeypatch, cluster.store, None, 200)

        assert (ledger.tick(4), scripts) == ((False, []), [])

    def test_who_was_not_told_what_he_was_handed_asks_for_it_whosever_turn_it_is(
        self, cluster: Cluster, ledger: NodeLedger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        agent = FakeAgent(cluster.store, "b", {"cpu": 1}).register()
        handle = cluster.enqueue("tasks:work", on_failure="tasks.told")
        agent.take()
        cluster.deregister_node("b")
        attempt = cluster.store.attempt

        def lose(script: str, *rest: Any, **arguments: Any) -> list[Any]:
            attempt(script, *rest, **arguments)
            raise StoreUnavailable("here", "the reply is lost")

        monkeypatch.setattr(cluster.store, "attempt", lose)
        with pytest.raises(StoreUnavailable):
            ledger.tick(4)
        monkeypatch.setattr(cluster.store, "attempt", attempt)
        answer(monkeypatch, cluster.store, None, 200)

        assert [started.id for started in ledger.tick(4)[1]] == [handle.id]
        assert ledger.tick(4) == (False, [])


def test_a_tick_that_was_asked_for_is_done_though_the_connection_broke(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    together = cluster.store.way.together

    def break_once(*arguments: Any, **named: Any) -> list[Any]:
        asked.append(1)
        if len(asked) == 1:
            raise redis.ConnectionError("broken")
        return together(*arguments, **named)

    monkeypatch.setattr(cluster.store.way, "together", break_once)
    monkeypatch.setattr("handoff.ledger.store.time.sleep", lambda _: None)

    housekeeping.tick(cluster.store)

    assert len(asked) > 1
