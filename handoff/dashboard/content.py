"""What a page shows, in parts: of what changes only the parts that have changed are sent. Pure."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

MOST_SENT = 64
"""Contents of which it is known what was sent. Whoever asks again every two seconds needs the last few of his page."""

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

    @cached_property
    def digest(self) -> str:
        """By which who was sent it says so."""
        return hashlib.sha256("\0".join(self.pieces).encode("utf-8", "replace")).hexdigest()[:32]

    def parts_since(self, before: Content) -> str | None:
        """The parts that are not what they were before, as htmx swaps them; None where all else is not the same."""
        if self.pieces[::2] != before.pieces[::2]:
            return None
        changed = [i for i in range(1, len(self.pieces), 2) if self.pieces[i] != before.pieces[i]]
        return "".join(_named(self.pieces[i], i, ' hx-swap-oob="morph"') for i in changed)


class Sent:
    """What was sent lately to those that ask again and again, by its digest. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contents: OrderedDict[str, Content] = OrderedDict()

    def note(self, content: Content) -> None:
        """It is sent now."""
        with self._lock:
            self._contents[content.digest] = content
            self._contents.move_to_end(content.digest)
            while len(self._contents) > MOST_SENT:
                self._contents.popitem(last=False)

    def parts_for(self, seen: str, content: Content) -> str | None:
        """What has changed for who has seen that; None where nobody knows any more, or all of it has."""
        with self._lock:
            before = self._contents.get(seen)
        return None if before is None else content.parts_since(before)


def _named(part: str, number: int, more: str = "") -> str:
    return _TAG.sub(rf'<\1 id="p{number}"{more}', part, count=1)
