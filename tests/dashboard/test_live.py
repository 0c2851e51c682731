"""What is sent to a page that is kept current."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from handoff.dashboard import live
from handoff.dashboard.content import Content
from handoff.dashboard.page import Missing


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "until_next_beat_s", lambda now_s: 0.0)


def looks(*texts: str) -> Callable[[], Content]:
    """What each look finds, and then that it is gone."""
    left = list(texts)

    def content() -> Content:
        if not left:
            raise Missing("it is gone")
        return Content.of(left.pop(0), "|")

    return content


def sent(content: Callable[[], Content]) -> list[str]:
    async def all_of_it() -> list[str]:
        return [text async for text in live._changes(content)]

    return asyncio.run(all_of_it())


def test_all_is_sent_first_and_then_the_parts_that_have_changed() -> None:
    found = sent(looks("<p>|<b>1</b>|</p>", "<p>|<b>1</b>|</p>", "<p>|<b>2</b>|</p>"))

    assert found == [
        "retry: 1000\n\n",
        'event: page\ndata: <p><b id="p1">1</b></p>\n\n',
        'event: parts\ndata: <b id="p1" hx-swap-oob="morph">2</b>\n\n',
    ]


def test_where_more_than_parts_has_changed_all_is_sent() -> None:
    assert sent(looks("<p>|<b>1</b>|</p>", "<q>|<b>1</b>|</q>"))[-1].startswith("event: page\n")


def test_while_nothing_changes_something_is_sent_that_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SILENCE_S", -1.0)

    assert sent(looks("a", "a"))[-1] == ": nothing has changed\n\n"


def test_it_ends_after_a_while_for_the_browser_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LONGEST_S", 0.0)

    assert sent(looks("a", "a")) == ["retry: 1000\n\n"]


def test_no_line_of_what_is_sent_is_taken_for_another_event() -> None:
    assert live.event("page", "a\n\nevent: b") == "event: page\ndata: a\ndata: \ndata: event: b\n\n"
