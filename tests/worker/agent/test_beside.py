"""What may take long is done beside the agent's loop, one at a time."""

from __future__ import annotations

import threading

import pytest

from handoff_worker.agent.beside import Beside

LONGEST_S = 30.0


def test_nobody_waits_for_it() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def take_long() -> None:
        begun.set()
        may_end.wait(LONGEST_S)

    Beside()(take_long)

    assert begun.wait(LONGEST_S)
    may_end.set()


def test_what_comes_meanwhile_is_left_out_and_what_comes_later_is_done() -> None:
    beside, done = Beside(), list[str]()
    may_end = threading.Event()

    def take_long() -> None:
        may_end.wait(LONGEST_S)
        done.append("first")

    beside(take_long)
    beside(lambda: done.append("second"))
    may_end.set()
    _join(beside)

    beside(lambda: done.append("third"))
    _join(beside)

    assert done == ["first", "third"]


def test_where_no_thread_can_be_had_it_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)

    Beside()(lambda: None)

    assert "no thread could be started" in caplog.text


def _join(beside: Beside) -> None:
    assert beside._thread is not None
    beside._thread.join(LONGEST_S)
