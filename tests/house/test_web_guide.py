"""What docs/web.md shows, and what the README shows of it, stands in the applications that tests run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (
    (ROOT / "README.md").read_text(encoding="utf-8").partition("\n### From a web backend\n")[2].partition("\n### ")[0]
)
GUIDE = (ROOT / "docs" / "web.md").read_text(encoding="utf-8")
TESTED = [
    path.read_text(encoding="utf-8")
    for path in (*(ROOT / "docs" / "web").rglob("*.py"), ROOT / "tests" / "web" / "test_web_units.py")
]


def programs(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("program", [*programs(GUIDE), *programs(README)], ids=lambda text: text.partition("\n")[0])
def test_what_is_shown_stands_in_an_application(program: str) -> None:
    assert any(program in text for text in TESTED)


def test_the_readme_shows_something() -> None:
    assert programs(README)


@pytest.mark.parametrize("path", re.findall(r"\]\((?!http)([^)#]+)", GUIDE))
def test_every_file_that_the_guide_names_exists(path: str) -> None:
    assert (ROOT / "docs" / path).exists()
