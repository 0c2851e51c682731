"""Files are of a size that is read at a sitting, and every folder says in a sentence what it holds."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from statistics import median

import pytest

PROJECT = Path(__file__).resolve().parents[2]

FOLDERS = sorted(
    path for room in ("handoff", "workers/handoff_worker") for path in PROJECT.glob(f"{room}/**/__init__.py")
)

IMPORTED_FROM = {
    PROJECT / "handoff" / path / "__init__.py" for path in ("", "aio", "cli", "dashboard", "rq", "testing")
}
"""The API, the command of the entry point, and what users' tests and web applications import."""


@pytest.mark.parametrize(
    ("rooms", "suffix", "longest", "middle"),
    [(("handoff", "workers", "tests"), ".py", 450, 150), (("handoff",), ".lua", 320, 60)],
    ids=["Python", "Lua"],
)
def test_no_file_is_long_and_half_of_them_are_short(
    rooms: tuple[str, ...], suffix: str, longest: int, middle: int
) -> None:
    paths = [path for room in rooms for path in (PROJECT / room).rglob(f"*{suffix}") if path.name != "__init__.py"]

    lengths = {path.relative_to(PROJECT).as_posix(): len(path.read_text().splitlines()) for path in paths}

    assert {name: length for name, length in lengths.items() if length > longest} == {}
    assert median(lengths.values()) <= middle


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: path.parent.name)
def test_a_folder_says_in_one_sentence_what_it_holds(path: Path) -> None:
    tree = ast.parse(path.read_text())
    said = ast.get_docstring(tree) or ""

    assert re.match(r"[A-Z].*\.", said)
    if path not in IMPORTED_FROM:
        assert len(tree.body) == 1
        assert len(re.findall(r"[.!?](?:\s|$)", said)) == 1


def test_every_folder_with_python_in_it_is_a_package() -> None:
    with_python = {path.parent for folder in FOLDERS for path in folder.parent.rglob("*.py")}

    assert with_python == {path.parent for path in FOLDERS}
