"""What is taken for brief, by how long functions of a name took lately."""

from __future__ import annotations

from math import inf, nan

import pytest

from handoff_worker.children import brief as module
from handoff_worker.children.brief import BRIEF_S, ENOUGH, MOST, Brief


def seen(*seconds: float) -> Brief:
    brief = Brief()
    for each in seconds:
        brief.note(b"f", each)
    return brief


def test_what_nobody_has_seen_is_not_brief() -> None:
    assert b"f" not in Brief()
    assert not Brief()


def test_what_was_brief_often_enough_is_brief() -> None:
    assert b"f" not in seen(*[BRIEF_S] * (ENOUGH - 1))
    brief = seen(*[BRIEF_S] * ENOUGH)
    assert b"f" in brief
    assert b"g" not in brief
    assert brief


def test_what_was_slow_once_among_many_is_brief_still() -> None:
    assert b"f" in seen(*[0.0] * MOST, 1.0)


@pytest.mark.parametrize("seconds", [1.0, inf, nan, -1.0], ids=str)
def test_what_is_slow_one_time_in_five_or_tells_nonsense_is_not_brief(seconds: float) -> None:
    assert b"f" not in seen(*[0.0, 0.0, 0.0, 0.0, seconds] * MOST)
    assert not seen(0.0, 0.0, seconds)


def test_the_name_that_was_seen_least_lately_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NAMES", 2)
    brief = seen(*[0.0] * ENOUGH)
    for name in (b"g", b"f", b"h"):
        for _ in range(ENOUGH):
            brief.note(name, 0.0)

    assert [name in brief for name in (b"f", b"g", b"h")] == [True, False, True]
