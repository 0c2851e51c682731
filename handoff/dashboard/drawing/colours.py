"""Which colour a function has: the same on every page, by what it calls."""

from __future__ import annotations

import threading

COUNT = 12
"""Colours, each with a class `k0` and on in `style.css`."""

MOST_NAMES = 1_000


class Palette:
    """Gives out colours in the order in which names are met, so that the first few never share one. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._colours: dict[str, int] = {}

    def colour(self, name: str) -> str:
        """The class of its colour."""
        with self._lock:
            if len(self._colours) >= MOST_NAMES:
                self._colours.clear()
            return f"k{self._colours.setdefault(name, len(self._colours) % COUNT)}"
