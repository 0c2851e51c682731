"""What is shown while Redis is away, refuses, or is slow; and that keys are not kept waiting by it."""

from __future__ import annotations

import threading

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import StoreUnavailable
from handoff.top import header
from handoff.top.sight import Look, Sight
from support.terminals import Shown
from support.waiting import LIMIT_S

look = Sight.look


def raising(error: Exception) -> object:
    def look(sight: Sight) -> Look:
        raise error

    return look


def test_a_redis_that_is_away_is_told_and_what_was_seen_stays(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sight, "look", raising(StoreUnavailable("redis://there", "it is gone", None)))
    shown.read_again()

    shown.until("Redis is away, seen ", "trying again: Redis at redis://there", "infeasible 1", "waiting         1")


def test_when_it_is_back_that_is_seen(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sight, "look", raising(StoreUnavailable("redis://there", "it is gone", None)))
    shown.read_again()
    shown.until("Redis is away")
    monkeypatch.setattr(Sight, "look", look)
    shown.read_again()

    shown.until(" UTC", "started ")


def test_what_redis_refuses_is_told(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sight, "look", raising(redis.ResponseError("NOPERM not you")))
    shown.read_again()

    shown.until("cannot be read", "Redis refuses (NOPERM not you)")


@pytest.mark.usefixtures("scene")
def test_a_defect_ends_it_instead_of_showing_what_was(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sight, "look", raising(ZeroDivisionError("a defect")))

    with pytest.raises(ZeroDivisionError), Shown(cluster) as shown:
        shown.until_it_ends()


def test_a_slow_redis_keeps_no_key_waiting(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answers = threading.Event(), threading.Event()

    def slow(sight: Sight) -> Look:
        asked.set()
        assert answers.wait(LIMIT_S)
        return look(sight)

    monkeypatch.setattr(Sight, "look", slow)
    shown.read_again()
    assert asked.wait(LIMIT_S)
    try:
        shown.press("5")
        shown.until("Torn")
        shown.press("question_mark")
        shown.until("drain the node, undrain it")
    finally:
        answers.set()


def test_what_is_old_says_how_old_it_is(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "LATE_AFTER", 0)
    with Shown(cluster) as shown:
        shown.until("slow: seen ")
