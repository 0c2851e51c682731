"""What pages of the documentation show: blocks of code, each with what stands before it, and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "workers/**/*.md")
    for path in ROOT.glob(pattern)
    if path.name != "CHANGELOG.md"
)
"""All that people read, but the history."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block of code."""

    language: str
    text: str
    file: str = ""  #: the name that stands in the line before it, if it is to be a file

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]


def blocks(page: str) -> list[Block]:
    """All blocks of a page, in order."""
    found = re.finditer(r"(?:^`([\w./]+)`:?\n+)?^( *)```(\w+)\n(.*?)^\2```$", page, re.DOTALL | re.MULTILINE)
    return [Block(each[3], re.sub(rf"^{each[2]}", "", each[4], flags=re.MULTILINE), each[1] or "") for each in found]


def links(page: str) -> Iterator[str]:
    """Where a page leads, but for what stands in blocks of code and in spans."""
    text = re.sub(r"^( *)```.*?^\1```$|`[^`\n]*`", "", page, flags=re.DOTALL | re.MULTILINE)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^( *)```.*?^\1```$", "", page, flags=re.DOTALL | re.MULTILINE)
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.*?)\s*$", text, re.MULTILINE):
        kept = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", kept).replace(" ", "-")
        number = next(n for n in range(len(found) + 1) if (f"{anchor}-{n}" if n else anchor) not in found)
        found.add(f"{anchor}-{number}" if number else anchor)
    return found
