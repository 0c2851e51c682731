"""`handoff top`: where it may be shown, and what is said where it may not."""

from __future__ import annotations

import sys

import pytest

from support.command_line import handoff, said


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for at a terminal."""
    # The package has the command under the name of its module.
    monkeypatch.setattr(sys.modules["handoff.cli.top"], "is_terminal", lambda: True)


def test_without_a_terminal_it_says_what_prints_the_same() -> None:
    result = handoff("top")

    assert result.exit_code == 2
    assert "needs a terminal: `handoff status`" in said(result)


@pytest.mark.parametrize("interval", ["0", "0.1", "nan", "soon", "1e9"])
def test_an_interval_that_is_none_is_told(interval: str) -> None:
    assert handoff("top", "--interval", interval).exit_code == 2


@pytest.mark.usefixtures("terminal", "quick_to_give_up")
def test_a_redis_that_is_not_there_at_first_is_told_in_one_line(closed_url: str) -> None:
    result = handoff("top", "--url", closed_url)

    assert result.exit_code == 1
    assert said(result).startswith(f"handoff: Redis at {closed_url} is not available (")


@pytest.mark.usefixtures("terminal", "cluster")
def test_without_its_extra_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("textual", "handoff.top"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "textual", None)
    result = handoff("top")

    assert result.exit_code == 1
    assert "pip install 'handoff-rq[top]'" in said(result)
