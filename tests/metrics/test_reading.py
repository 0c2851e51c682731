"""Who reads when: once for all who ask, between scrapes too, and the books now and then."""

from __future__ import annotations

import time

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.metrics import counted
from handoff.metrics.counted import Counting
from handoff.metrics.examined import Examining
from handoff.metrics.reading import Reading
from handoff.view.history import History
from support.waiting import wait_until


@pytest.fixture
def reading(cluster: Cluster) -> Reading:
    return Reading(cluster.store, Counting(cluster.store), Examining(cluster.store, 0))


def test_who_asks_again_within_a_second_is_given_the_same(reading: Reading) -> None:
    assert reading.now() is reading.now()


def test_nothing_is_counted_before_anything_was_read(reading: Reading) -> None:
    assert reading.figures(None).counted is None


def starts(counting: Counting) -> int:
    found = counting.counted()
    return -1 if found is None else found.totals.placed


@pytest.mark.parametrize("connection", ["real"], indirect=True)
def test_events_are_read_while_nobody_asks(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "EVERY_S", 0.01)
    cluster.register_node("a", {"cpu": 1})
    counting = Counting(cluster.store)
    counting.start()
    try:
        wait_until(lambda: starts(counting) == 0, "it has looked once")
        cluster.enqueue("tasks:f", cost={"cpu": 1})
        wait_until(lambda: starts(counting) == 1, "what was reserved is counted")
    finally:
        counting.stop()


@pytest.mark.parametrize("connection", ["real"], indirect=True)
def test_who_counts_outlives_a_redis_that_is_away(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    read, failures = History.read, iter(range(3))

    def reads_at_last(history: History) -> int:
        if next(failures, None) is not None:
            raise StoreUnavailable("redis://h", "gone")
        return read(history)

    monkeypatch.setattr(counted, "EVERY_S", 0.01)
    monkeypatch.setattr(History, "read", reads_at_last)
    counting = Counting(cluster.store)
    counting.start()
    try:
        wait_until(lambda: starts(counting) == 0, "it has looked once, after all")
    finally:
        counting.stop()


def test_where_much_has_come_the_next_read_comes_soon(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    counts, waited = iter([counted.MANY, 1]), list[float]()

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        return len(waited) == 3

    counting = Counting(cluster.store)
    monkeypatch.setattr(counting._ending, "wait", wait)
    monkeypatch.setattr(counting, "read", lambda: next(counts))
    counting.start()
    counting.stop()

    assert waited == [counted.EVERY_S, counted.BUSY_S, counted.EVERY_S]


@pytest.mark.parametrize("connection", ["real"], indirect=True)
def test_the_books_are_examined_at_once_and_again_when_it_is_time(cluster: Cluster) -> None:
    examining = Examining(cluster.store, 0.01)
    examining.start()
    try:
        wait_until(lambda: examining.last is not None, "they were examined")
        first = examining.last
        wait_until(lambda: examining.last is not first, "they were examined again")
    finally:
        examining.stop()
    assert first is not None
    assert abs(first.at_s - time.time()) < 3600


def test_the_books_are_never_examined_where_that_is_asked_for(cluster: Cluster) -> None:
    examining = Examining(cluster.store, 0)
    examining.start()
    examining.stop()

    assert examining.last is None


def test_an_examination_ends_half_way_when_nobody_asks_any_more(cluster: Cluster) -> None:
    examining = Examining(cluster.store, 3600)
    examining.stop()
    examining.start()
    examining.stop()

    assert examining.last is None
