"""Reads that any number of viewers share."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from handoff.view import looks as module
from handoff.view.looks import Looks


@pytest.fixture(autouse=True)
def one_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """No beat ends by itself."""
    monkeypatch.setattr(module, "until_next_beat_s", lambda now_s: 60.0)


def test_who_comes_while_it_is_read_is_given_the_same() -> None:
    looks, read, go_on = Looks(), [], threading.Event()

    def slow() -> int:
        read.append(1)
        go_on.wait(30)
        return len(read)

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(looks.get, "key", slow) for _ in range(8)]
        go_on.set()
        found = [each.result() for each in waiting]

    assert found == [1] * 8


def test_an_error_is_shared_too_and_not_kept_for_ever() -> None:
    looks = Looks()

    def fails() -> int:
        raise ValueError("away")

    for _ in range(3):
        with pytest.raises(ValueError, match="away"):
            looks.get("key", fails)
    looks.forget()

    assert looks.get("key", lambda: 1) == 1


def test_what_is_old_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMES", 0)
    monkeypatch.setattr(module, "until_next_beat_s", lambda now_s: 0.0)
    looks, read = Looks(), iter(range(3))

    assert [looks.get("key", lambda: next(read)) for _ in range(3)] == [0, 1, 2]


def test_what_takes_long_is_read_a_fifth_of_the_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s, read = 0.0, []
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    monkeypatch.setattr(module, "until_next_beat_s", lambda now_s: 1.0)

    def slow() -> None:
        nonlocal now_s
        read.append(now_s)
        now_s += 3.0

    looks = Looks()
    while now_s < 60:
        looks.get("key", slow)
        now_s += 0.5

    assert read == [0.0, 15.0, 30.0, 45.0]


def test_however_many_things_are_looked_at_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KEPT", 4)
    looks = Looks()
    for key in range(20):
        looks.get(key, lambda: 0)

    assert len(looks._looks) == 4


def test_what_could_not_be_read_is_read_again_soon_however_long_that_took(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    monkeypatch.setattr(module, "until_next_beat_s", lambda now_s: 1.0)
    looks = Looks()

    def fails() -> int:
        nonlocal now_s
        now_s += 10
        raise ValueError("away")

    with pytest.raises(ValueError, match="away"):
        looks.get("key", fails)
    now_s += 1

    assert looks.get("key", lambda: 1) == 1
