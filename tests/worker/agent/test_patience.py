"""What an agent that starts does while Redis does not answer: it asks again, and says so now and then."""

from __future__ import annotations

import logging
from math import inf
from types import SimpleNamespace

import pytest
import redis

from handoff.errors import StoreUnavailable
from handoff_worker.agent import patience as patience_module
from handoff_worker.agent.patience import LONGEST_PAUSE_S, SAY_EVERY_S, Patience, ToldToEnd

AWAY = redis.ConnectionError("connection refused")


class Waiting:
    """A Redis that gives these answers one after the other, and a clock that moves while somebody waits for it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        self.pauses: list[float] = []
        self.asked = 0
        self.until_told_to_end = inf
        patch.setattr(patience_module, "time", SimpleNamespace(monotonic=lambda: self.now_s))
        patch.setattr(patience_module, "random", SimpleNamespace(uniform=lambda low, high: 1.0))

    def wait(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        self.now_s += seconds
        return self.now_s < self.until_told_to_end

    def ask(self, *errors: Exception, limit_s: float = inf) -> str:
        answers = iter(errors)

        def call() -> str:
            self.asked += 1
            if (error := next(answers, None)) is not None:
                raise StoreUnavailable("redis://here", "it says so") from error
            return "answer"

        return Patience(self.wait, limit_s).ask(call)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    return Waiting(monkeypatch)


@pytest.mark.parametrize(
    "error",
    [
        AWAY,
        redis.TimeoutError("no answer"),
        redis.BusyLoadingError("Redis is loading the dataset in memory"),
        redis.exceptions.OutOfMemoryError("command not allowed"),
        redis.exceptions.ReadOnlyError("You can't write against a read only replica"),
        redis.exceptions.MasterDownError("Link with MASTER is down"),
        redis.ResponseError("MISCONF Errors writing to the AOF file"),
        redis.ResponseError("NOREPLICAS Not enough good replicas to write"),
    ],
    ids=lambda error: type(error).__name__ + str(error)[:8],
)
def test_what_may_be_over_by_itself_is_waited_for(waiting: Waiting, error: Exception) -> None:
    assert waiting.ask(error, error) == "answer"

    assert len(waiting.pauses) == 2


@pytest.mark.parametrize(
    "error",
    [
        redis.AuthenticationError("invalid password"),
        redis.exceptions.NoPermissionError("this user has no permissions"),
        redis.ResponseError("DB index is out of range"),
    ],
    ids=["password", "permission", "database"],
)
def test_what_no_waiting_changes_is_raised_at_once(waiting: Waiting, error: Exception) -> None:
    with pytest.raises(StoreUnavailable):
        waiting.ask(error)

    assert waiting.pauses == []


def test_pauses_grow_up_to_a_limit(waiting: Waiting) -> None:
    waiting.ask(*[AWAY] * 20)

    assert waiting.pauses[0] < 1
    assert waiting.pauses == sorted(waiting.pauses)
    assert waiting.pauses[-1] == LONGEST_PAUSE_S


@pytest.mark.parametrize("limit_s", [0.0, 3.0])
def test_who_waits_so_long_asks_once_more_when_the_time_is_over(waiting: Waiting, limit_s: float) -> None:
    with pytest.raises(StoreUnavailable):
        waiting.ask(*[AWAY] * 100, limit_s=limit_s)

    assert sum(waiting.pauses) == pytest.approx(limit_s)
    assert waiting.asked == len(waiting.pauses) + 1


def test_who_is_told_to_end_asks_no_more(waiting: Waiting) -> None:
    waiting.until_told_to_end = 1002.0

    with pytest.raises(ToldToEnd):
        waiting.ask(*[AWAY] * 100)

    assert waiting.asked == len(waiting.pauses)


def test_it_says_at_once_what_it_waits_for_and_then_once_a_minute(
    waiting: Waiting, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        waiting.ask(*[AWAY] * 50)

    first, *others, last = [record.getMessage() for record in caplog.records]
    assert "Redis at redis://here is not available" in first
    assert "waiting for it, 0 s so far" in first
    assert sum(waiting.pauses) // (SAY_EVERY_S + LONGEST_PAUSE_S) <= len(others) <= sum(waiting.pauses) // SAY_EVERY_S
    assert f"Redis is there after {sum(waiting.pauses):.0f} s" in last


def test_an_answer_at_once_needs_no_words(waiting: Waiting, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert waiting.ask() == "answer"

    assert caplog.records == []
