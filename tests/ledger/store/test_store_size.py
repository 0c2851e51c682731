"""A value passes however long that takes, as long as something moves; what stands still is given up."""

from __future__ import annotations

import contextlib
import itertools
import threading
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from handoff.ledger import connection as module
from handoff.ledger.connection import bytes_on_their_way, silence
from handoff.ledger.store import own_client
from handoff.local.server import RedisServer
from support.connections import command
from support.link import Link

SIZE = 8_000_000

SILENCE_S = 2.0


@pytest.fixture
def link(server: RedisServer) -> Iterator[Link]:
    with Link(server.port) as link:
        yield link


@pytest.fixture
def client(link: Link, server: RedisServer) -> Iterator[redis.Redis]:
    client = own_client(None, link.url(server.url))
    client.ping()
    yield client
    client.close()


class Trickle:
    """Lets a little more pass again and again, until it is stopped; each pause is short, and all together are long."""

    def __init__(self, link: Link, piece: int) -> None:
        self._link, self._piece = link, piece
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._drip)

    def _drip(self) -> None:
        while not self._stopped.wait(0.05):
            self._link.up.open(self._piece)
            self._link.down.open(self._piece)

    def __enter__(self) -> Trickle:
        self._link.up.close()
        self._link.down.close()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self._link.up.open()
        self._link.down.open()


def test_what_takes_longer_than_a_silence_may_last_arrives_as_long_as_something_moves(
    client: redis.Redis, link: Link
) -> None:
    key = uuid.uuid4().hex
    # 8 MB in pieces of 100 kB, 50 ms apart: twice as long as nothing may move, each way.
    with Trickle(link, 100_000), silence(SILENCE_S):
        command(client, "SETEX", key, "60", "x" * SIZE)

        assert len(command(client, "GETDEL", key)) == SIZE


def test_a_link_that_stands_still_in_the_midst_of_it_is_given_up(client: redis.Redis, link: Link) -> None:
    link.up.close()
    link.up.open(1_000_000)

    with pytest.raises(redis.TimeoutError), silence(0.5):
        command(client, "SETEX", "never", "60", "x" * SIZE)


def test_what_the_system_has_taken_and_not_delivered_is_told(client: redis.Redis, link: Link) -> None:
    pool: Any = client.connection_pool
    connection = pool.get_connection()
    assert bytes_on_their_way(connection._sock) == 0

    link.up.close()
    connection._sock.setblocking(False)
    sent = connection._sock.send(b"x" * SIZE)

    assert 0 < bytes_on_their_way(connection._sock) <= sent
    connection.disconnect()
    pool.release(connection)


class Full:
    """A socket that takes nothing at first, each time for as long as nothing may move."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.taken = 0

    def send(self, piece: memoryview) -> int:
        if self.times:
            self.times -= 1
            raise TimeoutError
        self.taken += len(piece)
        return len(piece)


@pytest.mark.parametrize(
    ("left", "taken"), [([9, 8, 7], 5), ([9, 8, 8], 0)], ids=["what it has is delivered", "nothing is delivered"]
)
def test_a_system_that_takes_nothing_more_is_waited_for_as_long_as_what_it_has_is_delivered(
    monkeypatch: pytest.MonkeyPatch, left: list[int], taken: int
) -> None:
    on_their_way = iter(left)
    monkeypatch.setattr(module, "bytes_on_their_way", lambda end: next(on_their_way))
    connection = module.patient(redis.Connection)()
    end = connection._sock = Full(2)
    connection._sent = 9

    with contextlib.nullcontext() if taken else pytest.raises(TimeoutError):
        connection._send(b"x" * 5)

    connection._sock = None
    assert end.taken == taken


@pytest.mark.parametrize("left", [[9, 8, 7, 7, 0], [9, 9, 9, 0]], ids=["it pauses", "it stands still"])
def test_what_the_system_has_taken_may_go_out_for_as_long_as_it_moves(
    monkeypatch: pytest.MonkeyPatch, left: list[int]
) -> None:
    on_their_way, times = iter(left), itertools.count(0.0, 3.0)
    monkeypatch.setattr(module, "bytes_on_their_way", lambda end: next(on_their_way))
    monkeypatch.setattr(module, "_is_readable", lambda end: False)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(times)))
    connection = module.patient(redis.Connection)()

    with silence(5.0), contextlib.nullcontext() if left[1] == 8 else pytest.raises(redis.TimeoutError):
        connection._await_arrival()
