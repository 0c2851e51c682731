"""Which functions are brief, by how long they took lately. Pure."""

from __future__ import annotations

from collections import OrderedDict

BRIEF_S = 0.001
"""What takes no longer is over before another process has been woken for the next one and is warm."""

MOST_NAMES = 1_000

ENOUGH, SLOW, MOST = 2, 4, 16
"""Points of a name: brief from `ENOUGH` on, one more for each that was brief, up to `MOST`, and `SLOW` less for others.
What is slow one time in five is not brief, and what a busy machine has held up once still is."""


class Brief:
    """What is remembered of the names of functions; the one that was seen least lately is forgotten first."""

    def __init__(self) -> None:
        self._points: OrderedDict[bytes, int] = OrderedDict()
        self._brief: set[bytes] = set()

    def __contains__(self, name: bytes) -> bool:
        return name in self._brief

    def __bool__(self) -> bool:
        """Whether any is brief."""
        return bool(self._brief)

    def note(self, name: bytes, seconds: float) -> None:
        """Remember how long one took."""
        points = self._points.get(name, 0)
        points = min(MOST, points + 1) if 0 <= seconds <= BRIEF_S else max(0, points - SLOW)
        self._points[name] = points
        self._points.move_to_end(name)
        if points >= ENOUGH:
            self._brief.add(name)
        else:
            self._brief.discard(name)
        if len(self._points) > MOST_NAMES:
            self._brief.discard(self._points.popitem(last=False)[0])
