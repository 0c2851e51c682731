"""What a page is: its path, what it reads, and the template that shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from handoff.dashboard.sight import Sight

LONGEST_PARAMETER = 300


@dataclass(frozen=True)
class Asked:
    """One page as somebody asks for it. Whoever asks for the same is shown the same."""

    path: str  #: below the application's own address
    parameters: tuple[tuple[str, str], ...]  #: those of the path, then those of the query
    root: str  #: the address of the application itself
    write: bool
    live: str  #: how the page is kept current: events, poll, or not: paused

    def get(self, name: str, default: str = "") -> str:
        """One parameter."""
        return next((value for key, value in self.parameters if key == name), default)[:LONGEST_PARAMETER]

    def number(self, name: str, default: int, most: int) -> int:
        """One that is a whole number from 1."""
        text = self.get(name)
        is_number = text.isascii() and text.isdecimal() and len(text) < 10
        return max(1, min(most, int(text))) if is_number else default


@dataclass(frozen=True)
class Page:
    """One page."""

    name: str  #: also of its template
    path: str
    title: str
    read: Callable[[Sight, Asked], Mapping[str, Any]]
    """What its template shows; runs in a thread. Raises `Missing` where there is no such thing."""
    section: str = ""  #: the entry of the menu to which it belongs; '' = its own
    form: Callable[[Sight, Asked], Mapping[str, Any]] | None = None
    """What the form above it shows, by the template `<name>_form`: that stays while somebody writes into it."""


class Missing(Exception):
    """There is no such function, run or node."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def address(root: str, path: str, **query: Any) -> str:
    """An address within the application; what is None or '' is left out of the query."""
    given = {name: str(value) for name, value in query.items() if value not in (None, "")}
    return root + path + (f"?{urlencode(given)}" if given else "")
