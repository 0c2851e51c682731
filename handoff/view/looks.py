"""What was read lately, for all that look: each thing is read once in a beat, by the first who comes in it."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")

BEAT_S = 0.8
"""Who looks again and again does so at the beginning of each beat: all see a change at once, within a second."""

TIMES = 4
"""What took long is not read again for so many times as long: it is read a fifth of the time at most."""

MOST_KEPT = 256


def until_next_beat_s(now_s: float) -> float:
    """How long it is until another beat begins: the same moment for all threads."""
    return BEAT_S - now_s % BEAT_S


@dataclass(slots=True)
class _Look:
    lock: threading.Lock = field(default_factory=threading.Lock)
    until_s: float = 0.0
    value: Any = None
    error: Exception | None = None


class Looks:
    """Reads that any number of viewers share. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: OrderedDict[Hashable, _Look] = OrderedDict()

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """What `read` gives, or has given in this beat under that key; what it has raised is kept too.

        Who comes while it is being read waits for that. A server that is away is so asked by one at a time.
        """
        with self._lock:
            look = self._looks.setdefault(key, _Look())
            self._looks.move_to_end(key)
            while len(self._looks) > MOST_KEPT:
                self._looks.popitem(last=False)
        with look.lock:
            begun_s = time.monotonic()
            if begun_s >= look.until_s:
                look.value = look.error = None
                try:
                    look.value = read()
                except Exception as error:
                    look.error = error
                ended_s = time.monotonic()
                # What a server that is away has cost it is nothing, and that it is back is to be seen soon.
                took_s = 0.0 if look.error is not None else ended_s - begun_s
                # Of what has changed since it was begun perhaps nothing was seen.
                look.until_s = max(begun_s + until_next_beat_s(begun_s), ended_s + TIMES * took_s)
            if look.error is not None:
                raise look.error
            return cast(T, look.value)

    def forget(self) -> None:
        """Have everything read anew: something was changed."""
        with self._lock:
            self._looks.clear()
