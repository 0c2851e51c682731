"""What a server says of its version."""

from __future__ import annotations

import re

Version = tuple[int, int]


def read_version(text: str) -> Version | None:
    """The first two numbers of a version as INFO has it; None where that is not known."""
    found = re.match(r"(\d{1,9})\.(\d{1,9})", text)
    return None if found is None else (int(found[1]), int(found[2]))


def write_version(version: Version) -> str:
    """Spell it for people."""
    return ".".join(map(str, version))
