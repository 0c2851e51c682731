"""Which processes bear a mark, whatever they do meanwhile."""

from __future__ import annotations

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff_worker.machine import processes
from support.waiting import LIMIT_S

LOOKS = 300


@pytest.fixture
def restless(tmp_path: Path) -> Iterator[tuple[int, str]]:
    """A process that becomes another program again and again, and its mark."""
    mark, script = uuid.uuid4().hex, tmp_path / "again"
    script.write_text('exec sh "$0"\n')
    with subprocess.Popen(["sh", str(script)], env={**os.environ, processes.CHILD_MARK: mark}) as process:
        yield process.pid, mark
        process.kill()


def test_a_process_that_becomes_another_program_just_now_is_found_by_its_mark(restless: tuple[int, str]) -> None:
    pid, mark = restless

    found = [
        [process.pid for process in processes.marked(processes.CHILD_MARK, mark.__eq__)] == [pid] for _ in range(LOOKS)
    ]

    assert found.count(False) == 0


def test_a_child_that_is_left_out_while_another_ends_is_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = iter([[1, 2, 3], [1], [1, 3], [1, 3]])
    monkeypatch.setattr(processes, "_listed_children", lambda: next(listed))

    assert processes.own_children() == [1, 3]
    assert next(listed, None) is None


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Two processes that sleep."""
    started = [subprocess.Popen(["sleep", "600"]) for _ in range(2)]
    yield started
    for process in started:
        process.kill()
        process.wait()


def test_what_one_leaves_that_dies_after_it_was_found_is_ended_too(sleepers: list[subprocess.Popen[bytes]]) -> None:
    parent, orphan = sleepers

    def find() -> list[int]:
        if parent.poll() is None:
            parent.kill()
            parent.wait()
            return [parent.pid]
        return [orphan.pid]

    assert processes.end(find, LIMIT_S) == []
    assert not processes.is_alive(orphan.pid)
