"""What is worked out again and again of the same few things, and so is kept: of so many things at most."""

from __future__ import annotations

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

MOST_REMEMBERED = 256
"""Most programs submit the same few functions at the same few costs."""


class Remembered(dict[K, V]):
    """A dict that begins anew when it is full. Where a key is the identity of something its value has to hold that."""

    def __init__(self, most: int | None = MOST_REMEMBERED) -> None:
        """`most`: None where what is looked at comes to an end."""
        super().__init__()
        self._most = most

    def keep(self, key: K, value: V) -> V:
        """Keep one more. -> it"""
        if self._most is not None and len(self) >= self._most:
            self.clear()
        self[key] = value
        return value
