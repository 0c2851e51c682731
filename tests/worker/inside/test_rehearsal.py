"""A function is rehearsed before children are forked, and nothing of that is found by them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_worker.children.nursery import Imports
from handoff_worker.children.pool import Children
from handoff_worker.inside.rehearsal import TIMES, rehearse
from support.children import TESTS, run, task, value
from support.in_process_child import OneRoom


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Put back what `OneRoom` does not."""
    environment, handler = dict(os.environ), signal.getsignal(signal.SIGALRM)
    yield
    signal.signal(signal.SIGALRM, handler)
    os.environ.clear()
    os.environ.update(environment)


def test_what_is_rehearsed_ends_as_it_should() -> None:
    assert rehearse(OneRoom()) == ["finished"] * TIMES + ["failed"]


def test_what_was_found_in_folders_is_looked_for_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    rehearse(OneRoom())
    (finder,) = [finder for folder, finder in sys.path_importer_cache.items() if folder == str(tmp_path)]

    assert getattr(finder, "_path_mtime", None) == -1


def test_a_signal_meant_for_the_agent_does_not_end_the_nursery_after_its_rehearsal() -> None:
    children = Children(idle_limit=1, imports=Imports([TESTS]))
    try:
        before = value(run(children, task("nursery_pid")))
        os.kill(before, signal.SIGALRM)
        for _ in range(3):
            assert value(run(children, task("nursery_pid", is_isolated=True))) == before
    finally:
        children.close()
