"""A server that refuses to write, or to answer at all: who waits for a result already waits on, and is told at last."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.ledger.asking import LONGEST_OUTAGE_S
from handoff.ledger.store import Store
from handoff.local.server import RedisServer
from support.agent import FakeAgent, ok
from support.waiting import LIMIT_S


def fill(client: Any) -> Callable[[], object]:
    client.config_set("maxmemory", 1)
    return lambda: client.config_set("maxmemory", 0)


def want_replicas(client: Any) -> Callable[[], object]:
    client.config_set("min-replicas-to-write", 1)
    return lambda: client.config_set("min-replicas-to-write", 0)


def step_down(client: Any) -> Callable[[], object]:
    client.replicaof("127.0.0.1", 1)
    return lambda: client.replicaof("NO", "ONE")


def lose_its_master(client: Any) -> Callable[[], object]:
    """It does not even let anybody read."""
    client.config_set("replica-serve-stale-data", "no")
    return step_down(client)


@pytest.mark.parametrize("refuse", [fill, want_replicas, step_down, lose_its_master])
def test_who_waits_for_a_result_waits_on_while_redis_refuses(
    own_server: RedisServer, refuse: Callable[[Any], Callable[[], object]]
) -> None:
    with Cluster(own_server.url, namespace=uuid.uuid4().hex) as cluster, ThreadPoolExecutor(1) as pool:
        agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
        handle = cluster.enqueue("tasks:work")
        (started,) = agent.take()
        refused = note_refusals(handle._store)
        with redis.Redis.from_url(own_server.url) as admin:
            result = pool.submit(handle.result, LIMIT_S)
            serve_again = refuse(admin)
            # Twice: the first may have come while it did not wait yet.
            assert refused.acquire(timeout=LIMIT_S)
            assert refused.acquire(timeout=LIMIT_S)
            assert not result.done()
            serve_again()
        agent.finish(ok(started.id, 7))

        assert result.result(LIMIT_S) == 7


def test_who_is_refused_looks_for_the_result_before_the_next_refusal(own_server: RedisServer) -> None:
    with Cluster(own_server.url, namespace=uuid.uuid4().hex) as cluster, ThreadPoolExecutor(1) as pool:
        agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
        handle = cluster.enqueue("tasks:work")
        (started,) = agent.take()
        said: list[str] = []
        refused = note_refusals(handle._store, said)
        result = pool.submit(handle.result, LIMIT_S)
        with redis.Redis.from_url(own_server.url) as admin:
            serve_again = fill(admin)
            for _ in range(4):
                assert refused.acquire(timeout=LIMIT_S)

            # A result that frees memory first is let through.
            agent.finish(ok(started.id, 7))

            assert result.result(LIMIT_S) == 7
            serve_again()
    refusals = [at for at, what in enumerate(said) if what == "refused"]
    assert all("XREAD" in said[at:later] for at, later in pairwise(refusals))


def note_refusals(store: Store, said: list[str] | None = None) -> threading.Semaphore:
    """Note what is asked, and what is refused of it. -> what is released with each refusal"""
    execute, ask, together, refused = store.way.execute, store.way.ask, store.way.together, threading.Semaphore(0)
    noted = [] if said is None else said

    def noting(call: Callable[..., Any], *words: Any) -> Any:
        noted.append(words[0])
        try:
            return call(*words)
        except redis.exceptions.NoScriptError:
            raise
        except redis.ResponseError:
            # What is refused as a function is asked for as a script at once.
            if words[0] == "FCALL":
                raise
            noted.append("refused")
            refused.release()
            raise

    def noting_all(commands: Any, **named: Any) -> list[Any]:
        replies = together(commands, **named)
        if any(isinstance(reply, redis.ResponseError) for reply in replies):
            noted.append("refused")
            refused.release()
        return replies

    store.way.execute, store.way.ask = partial(noting, execute), partial(noting, ask)
    store.way.together = noting_all  # type: ignore[method-assign]
    return refused


class Refused:
    """Housekeeping that a full server refuses, every two seconds of the store's own clock."""

    def __init__(self, store: Store, clock: SimpleNamespace) -> None:
        self.store, self.clock = store, clock
        self.store.insist(lambda: "answer")

    def last(self) -> float:
        """How long it was borne."""
        began = self.clock.now
        with pytest.raises(StoreUnavailable, match="full"):
            self._go_on()
        return float(self.clock.now - began)

    def _go_on(self) -> None:
        while True:
            self.once()

    def once(self) -> None:
        self.clock.now += 2
        self.store.aside(self._refuse)

    def _refuse(self) -> None:
        error = redis.exceptions.OutOfMemoryError("OOM command not allowed")
        raise self.store.unavailable(error) from error


@pytest.mark.parametrize("limit_s", [40.0, inf])
def test_what_a_wait_does_not_depend_on_is_refused_for_as_long_as_an_outage_may_last(
    real: Cluster, clock: SimpleNamespace, limit_s: float
) -> None:
    refused = Refused(real.store.until(clock.now + limit_s), clock)

    limit_s = min(limit_s, LONGEST_OUTAGE_S)
    assert limit_s - 2 <= refused.last() <= limit_s + 4


def test_once_it_was_not_refused_it_may_be_refused_for_as_long_again(real: Cluster, clock: SimpleNamespace) -> None:
    refused = Refused(real.store.until(inf), clock)
    for _ in range(20):
        refused.once()
    refused.store.aside(lambda: None)

    assert refused.last() >= LONGEST_OUTAGE_S - 2
