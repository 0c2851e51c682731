"""A connection of an event loop is given up for silence, and not for size."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace
from typing import Any, cast

import pytest

import handoff.aio
from handoff.client.cluster import Cluster
from handoff.ledger.aio import connection
from handoff.ledger.aio.connection import PatientConnection
from handoff.local.server import RedisServer
from support.link import Link


class Clock:
    """The time of an event loop in which nothing but timers runs."""

    def __init__(self) -> None:
        self.now, self._timers = 0.0, list[tuple[float, Any]]()

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, call: Any) -> SimpleNamespace:
        self._timers.append((self.now + seconds, call))
        return SimpleNamespace(cancel=lambda: None)

    def run(self, until_s: float) -> None:
        """Let time pass."""
        while self._timers and min(self._timers, key=lambda each: each[0])[0] <= until_s:
            first = min(self._timers, key=lambda each: each[0])
            self._timers.remove(first)
            self.now = first[0]
            first[1]()
        self.now = until_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(connection, "asyncio", SimpleNamespace(get_running_loop=lambda: clock))
    return clock


class Moving:
    """A connection on which as much has moved as a test says."""

    def __init__(self, limit_s: float) -> None:
        self.count, self.is_aborted = 0, False
        self.limit_s = lambda: limit_s
        self.moved = lambda: (self.count,)

    def abort(self) -> None:
        self.is_aborted = True


def test_it_is_given_up_once_nothing_has_moved_for_as_long_as_it_may_be_silent(clock: Clock) -> None:
    moving = Moving(4.0)
    watch = connection._Watch(cast(PatientConnection, moving))

    clock.run(3.9)
    assert not moving.is_aborted
    clock.run(4.0)
    assert moving.is_aborted
    assert watch.is_silent


def test_each_byte_that_moves_counts_as_life(clock: Clock) -> None:
    moving = Moving(4.0)
    watch = connection._Watch(cast(PatientConnection, moving))

    for second in range(1, 30):
        moving.count += second % 3 == 0
        clock.run(float(second))
    assert not moving.is_aborted
    clock.run(40.0)
    assert watch.is_silent


def test_what_takes_longer_than_a_silence_may_last_passes(server: RedisServer, beside: Cluster) -> None:
    # rq would make it smaller.
    large = os.urandom(2**19)

    async def main() -> None:
        with Link(server.port) as link:
            async with handoff.aio.Cluster(link.url(server.url), namespace=beside.namespace) as cluster:
                await cluster.discover_nodes()
                link.up.close()
                call = asyncio.create_task(cluster.enqueue("tasks:work", large, node="static"))
                while not call.done():
                    await asyncio.sleep(0.01)
                    link.up.open(2**14)
                assert (await call).verdict is not None
                assert link.connections == 1

    asyncio.run(main())
