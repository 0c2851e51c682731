"""How often a client that is connected asks whether its master is still the one."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from redis.sentinel import MasterNotFoundError, Sentinel

from handoff.ledger import sentinels
from handoff.ledger.sentinels import LOOK_S, BeingReplaced, MasterPool
from handoff.local.server import RedisServer
from support.connections import password_of


class Told(Sentinel):
    """Says what the test says."""

    def __init__(self, port: int, clock: SimpleNamespace) -> None:
        super().__init__([])  # type: ignore[no-untyped-call]
        self.port, self.takes_s, self.asked, self._clock = port, 0.0, 0, clock
        self.replaces = False

    def discover_master(self, service_name: str) -> tuple[str, int]:
        self.asked += 1
        if self.replaces:
            raise BeingReplaced("it is replaced now")
        self._clock.now += self.takes_s
        if not self.port:
            raise MasterNotFoundError("nobody")
        return "127.0.0.1", self.port


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(sentinels, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
def told(server: RedisServer, clock: SimpleNamespace) -> Told:
    return Told(server.port, clock)


@pytest.fixture
def client(server: RedisServer, told: Told) -> Iterator[redis.Redis]:
    """A client that is connected."""
    make: Any = MasterPool
    client = redis.Redis.from_pool(make("main", told, password=password_of(server)))
    client.ping()
    told.asked = 0
    yield client
    client.close()


def test_who_asks_often_does_not_ask_sentinels_as_often(
    client: redis.Redis, told: Told, clock: SimpleNamespace
) -> None:
    for _ in range(10):
        client.ping()
    assert told.asked == 0

    clock.now += LOOK_S
    for _ in range(10):
        client.ping()
    assert told.asked == 1


def test_a_master_that_was_replaced_is_left_although_it_goes_on(
    client: redis.Redis, told: Told, clock: SimpleNamespace
) -> None:
    with RedisServer() as other:
        other_client: Any = redis.Redis.from_url(other.url)
        other_client.config_set("requirepass", client.connection_pool.connection_kwargs["password"])
        told.port = other.port
        assert client.info("server")["tcp_port"] != other.port

        clock.now += LOOK_S

        assert client.info("server")["tcp_port"] == other.port


def test_a_master_that_is_being_replaced_is_not_written_to_any_more(
    client: redis.Redis, told: Told, clock: SimpleNamespace
) -> None:
    told.replaces = True
    clock.now += LOOK_S

    for _ in range(2):
        with pytest.raises(MasterNotFoundError, match="it is replaced now"):
            client.ping()

    told.replaces = False
    assert client.ping()


def test_without_an_answer_the_connection_is_used_as_before(
    client: redis.Redis, told: Told, clock: SimpleNamespace
) -> None:
    told.port = 0
    clock.now += LOOK_S

    assert client.ping()
    assert told.asked == 1


def test_sentinels_that_are_silent_take_a_twentieth_of_the_time_at_most(
    client: redis.Redis, told: Told, clock: SimpleNamespace
) -> None:
    told.port, told.takes_s = 0, 3.0
    clock.now += LOOK_S
    began_s = clock.now

    while clock.now < began_s + 600:
        client.ping()
        clock.now += 0.1

    assert told.asked <= 600 / 20 / 3.0 + 1
