"""What an agent remembers of functions that have ended, and for how long."""

from __future__ import annotations

import pytest

from handoff_worker.agent import memory as module
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.memory import FORGOTTEN, REMEMBERED_S, Memory
from handoff_worker.agent.started import Started


def started(id: str, attempt: int = 1, token: str = "token") -> Started:
    return Started(id, {b"h_token": token.encode(), b"h_attempts": str(attempt).encode()})


def told(memory: Memory) -> list[str]:
    return [ended.result.id for part in memory.told_with([], []) for ended in part]


def test_the_same_attempt_has_the_same_result_under_any_reservation() -> None:
    memory = Memory()
    memory.note(started("j:1"), Result("j:1", "finished", "body"), 0.0)

    assert memory.result_of(started("j:9")) == Result("j:9", "finished", "body")


@pytest.mark.parametrize("other", [started("j:2", attempt=2), started("j:2", token="other"), started("k:2")])
def test_another_attempt_or_submit_or_job_has_none(other: Started) -> None:
    memory = Memory()
    memory.note(started("j:1"), Result("j:1", "finished", "body"), 0.0)

    assert memory.result_of(other) is None


def test_it_is_forgotten_after_ten_minutes() -> None:
    memory = Memory()
    memory.note(started("j:1"), Result("j:1", "finished", "body"), 0.0)

    memory.note(started("k:1"), Result("k:1", "finished", "body"), REMEMBERED_S + 1)

    assert told(memory) == ["k:1"]


def test_no_more_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 3)
    memory = Memory()
    for number in range(5):
        memory.note(started(f"j{number}:1"), Result(f"j{number}:1", "finished", ""), 0.0)

    assert told(memory) == ["j2:1", "j3:1", "j4:1"]


def test_of_old_results_that_are_large_it_is_remembered_that_there_were_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 4000)
    memory = Memory()
    for number in range(5):
        memory.note(started(f"j{number}:1"), Result(f"j{number}:1", "finished", "x" * 1000), 0.0)

    first, last = (memory.result_of(started(f"j{number}:1")) for number in (0, 4))
    assert first is not None
    assert (first.kind, first.error) == ("failed", FORGOTTEN)
    assert last == Result("j4:1", "finished", "x" * 1000)


def test_what_is_told_comes_in_parts_of_which_none_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_TOLD", 3)
    monkeypatch.setattr(module, "MOST_TOLD_BYTES", 1000)
    memory = Memory()
    for number in range(4):
        memory.note(started(f"s{number}:1"), Result(f"s{number}:1", "finished", ""), 0.0)
    for number in range(3):
        memory.note(started(f"l{number}:1"), Result(f"l{number}:1", "finished", "x" * 600), 0.0)

    parts = memory.told_with([started("r:1")], [])

    assert [len(part) for part in parts] == [3, 2, 1, 2]
    assert parts[-1][-1].result.kind == "running"


def test_what_runs_is_told_with_its_result_where_that_is_on_its_way() -> None:
    [[ended]] = Memory().told_with([started("r:1")], [Result("r:1", "finished", "body")])

    assert ended.result.kind == "finished"
