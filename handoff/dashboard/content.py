"""What a page shows, in parts: of what changes only the parts that have changed are sent. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

_TAG = re.compile(r"\s*<(\w+)")


@dataclass(frozen=True)
class Content:
    """Pieces of HTML: every other one, beginning with the second, is a part: one element, known by its number."""

    pieces: tuple[str, ...]

    @classmethod
    def of(cls, html: str, seam: str) -> Content:
        """Take apart what has `seam` before and behind each of its parts."""
        # Pieces of a `Markup` would be Markup too, and what is put into one is escaped.
        return cls(tuple(str.split(html, seam)))

    @cached_property
    def html(self) -> Markup:
        """All of it; its parts have ids."""
        return Markup("".join(_named(piece, i) if i % 2 else piece for i, piece in enumerate(self.pieces)))

    def parts_since(self, before: Content) -> str | None:
        """The parts that are not what they were before, as htmx swaps them; None where all else is not the same."""
        if self.pieces[::2] != before.pieces[::2]:
            return None
        changed = [i for i in range(1, len(self.pieces), 2) if self.pieces[i] != before.pieces[i]]
        return "".join(_named(self.pieces[i], i, ' hx-swap-oob="morph"') for i in changed)


def _named(part: str, number: int, more: str = "") -> str:
    return _TAG.sub(rf'<\1 id="p{number}"{more}', part, count=1)
