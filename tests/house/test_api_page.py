"""The API reference is what the docstrings say now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import handoff

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")


def test_the_page_is_what_the_docstrings_say() -> None:
    script = [sys.executable, str(ROOT / "scripts/api_page.py")]

    rendered = subprocess.run(script, check=True, capture_output=True, text=True, cwd=ROOT).stdout

    assert rendered.rstrip("\n") == PAGE.rstrip("\n"), "write it anew: scripts/api"


@pytest.mark.parametrize("name", handoff.__all__)
def test_all_that_is_exported_is_on_the_page(name: str) -> None:
    assert f"### `handoff.{name}`\n" in PAGE


def test_the_first_thing_that_a_backend_needs_is_told() -> None:
    assert "The handle of a function submitted anywhere. Raises `UnknownFunction`." in PAGE


@pytest.mark.parametrize(
    "said",
    [
        "as_completed(handles: Iterable[Handle], timeout: float | None = None) -> Iterator[Handle]",
        "task(function: Callable[P, R] | None = None, **options: Unpack[Options]) -> Any",
        "* `.state`: `str`: As `Handle.status`;",
        "* `.own_text`: `str`: The same for who asked",
    ],
)
def test_what_is_called_and_read_is_told_as_it_is(said: str) -> None:
    assert said in PAGE


def test_what_nobody_makes_has_no_call() -> None:
    assert "(*args, **kwargs)\n" not in PAGE
