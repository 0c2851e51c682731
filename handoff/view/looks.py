"""What was read lately, for all that look: each thing is read once in a while, by the first who comes."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

T = TypeVar("T")

PERIOD_S = 0.9
"""So long a look holds: with a look each second every one of these is new."""

TIMES = 4
"""What took long is not read again for so many times as long: it is read a fifth of the time at most."""

MOST_KEPT = 256


@dataclass(slots=True)
class _Look:
    lock: threading.Lock = field(default_factory=threading.Lock)
    until_s: float = 0.0
    value: Any = None
    error: Exception | None = None


class Looks:
    """Reads that any number of viewers share. Thread-safe."""

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self._period_s = period_s
        self._lock = threading.Lock()
        self._looks: OrderedDict[Hashable, _Look] = OrderedDict()
        self.count = 0  #: how often something was read

    def get(self, key: Hashable, read: Callable[[], T]) -> T:
        """What `read` gives, or has given less than a period ago under that key; what it has raised is kept too.

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
                self.count += 1
                try:
                    look.value = read()
                except Exception as error:
                    look.error = error
                ended_s = time.monotonic()
                # What a server that is away has cost it is nothing, and that it is back is to be seen soon.
                took_s = 0.0 if look.error is not None else ended_s - begun_s
                look.until_s = ended_s + max(self._period_s, TIMES * took_s)
            if look.error is not None:
                raise look.error
            return cast(T, look.value)

    def forget(self) -> None:
        """Have everything read anew: something was changed."""
        with self._lock:
            self._looks.clear()
