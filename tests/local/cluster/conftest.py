"""What tests of a local cluster share: a place where its private folders are seen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import local_tasks
from support import need_redis_server
from support.gate import Gate


@pytest.fixture(autouse=True)
def _needs_a_server() -> None:
    need_redis_server()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where private folders are made during this test, here and in programs that it starts."""
    folder = tmp_path / "private"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    (tmp_path / "gate").mkdir()
    gate = Gate(tmp_path / "gate", *local_tasks.NODES)
    yield gate
    gate.close()
