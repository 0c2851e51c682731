"""What functions tell while they run, on its way to Redis: kept short here, for many in one call, and only so often.

Each thing has a number in its attempt, by which Redis knows what it has already: so what had no answer is sent again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from math import inf

from handoff.errors import StoreUnavailable
from handoff.ledger.texts.told import write_told
from handoff_worker.children.told import Told
from handoff_worker.inside.telling import LOG_BYTES

EVERY_S = 0.1

MOST_PARTS, MOST_PART_BYTES = 1_000, 8 * 2**20
"""Of what a function yields the last so many are kept."""

PIECE = 2**13
"""Bytes of output that are kept, or dropped, together."""

MOST_BYTES = 2**18
"""Of one call, beside one more thing: until it is answered, the agent cannot beat."""

Thing = tuple[str, float, str | bytes]
"""Kind, number, value: see texts/told."""


class Telling:
    """What is to be told of functions that run here."""

    def __init__(
        self, running: Collection[str], tell: Callable[[list[str | bytes]], None], log_bytes: int = LOG_BYTES
    ) -> None:
        """`running` are those that run here; `tell` tells Redis. So much is kept of what each attempt prints."""
        self._running, self._tell, self._log_bytes = running, tell, log_bytes
        self._attempts: dict[str, _Attempt] = {}
        self._sent: list[str | bytes] = []  #: and not answered
        self._next_at_s = 0.0

    def hear(self, told: list[Told]) -> None:
        """Take what has been told out of there."""
        for each in told:
            if each.id in self._running:
                self._attempts.setdefault(each.id, _Attempt(self._log_bytes // 2)).hear(each)
        told.clear()

    def __bool__(self) -> bool:
        """Whether anything is to be told."""
        return bool(self._sent) or any(self._attempts.values())

    @property
    def is_idle(self) -> bool:
        """Whether nothing has told anything, so that `go_on` has nothing to do."""
        return not (self._sent or self._attempts)

    @property
    def due_s(self) -> float:
        """When something is to be told; infinite where there is nothing."""
        return self._next_at_s if self else inf

    def go_on(self, now_s: float, ended: Iterable[str]) -> None:
        """Tell what is due, and all of what has `ended`: after its result nothing of it is taken any more.

        Raises `ScriptBug`: what that was told is dropped.
        """
        for id in [id for id in self._attempts if id not in self._running]:
            del self._attempts[id]
        last = [id for id in ended if self._attempts.get(id)]
        if now_s >= self._next_at_s:
            self._next_at_s = now_s + EVERY_S
            self._send([*last, *(id for id in self._attempts if id not in last)])
        while any(self._attempts[id] for id in last):
            self._send(last)

    def _send(self, ids: Iterable[str]) -> None:
        """Make one call; what had no answer goes alone."""
        if not self._sent:
            size = 0
            for id in ids:
                while size < MOST_BYTES and (thing := self._attempts[id].take()):
                    self._sent += write_told(id, *thing)
                    size += len(thing[2])
        if self._sent:
            try:
                self._tell(self._sent)
            except StoreUnavailable:
                raise
            except Exception:
                self._sent = []
                raise
            self._sent = []


class _Attempt:
    """What one attempt has told, and is not sent."""

    def __init__(self, half: int) -> None:
        """`half`: bytes that are kept of the beginning of what it prints, and as many of its end."""
        self._half = half
        self._progress: Thing | None = None
        self._unsent: dict[tuple[str, int], str | bytes] = {}
        self._parts: deque[int] = deque()  #: bytes of those that are kept
        self._last_part = self._part_bytes = 0
        self._is_kept_told = True
        self._end = 0  #: bytes that it has printed
        self._tail: deque[tuple[int, int]] = deque()  #: ends and sizes of pieces behind the head
        self._tail_bytes = 0

    def __bool__(self) -> bool:
        return bool(self._unsent) or self._progress is not None or not self._is_kept_told

    def hear(self, told: Told) -> None:
        if told.progress is not None:
            self._progress = "progress", *told.progress
        for skipped, data in told.output:
            self._end += skipped
            # An empty piece says how much is left out where nothing is kept.
            for first in range(0, len(data) or 1, PIECE):
                self._print(data[first : first + PIECE])
        for part in told.parts:
            self._yield(part)

    def take(self) -> Thing | None:
        """-> what is to be sent next, None = nothing"""
        if self._unsent:
            key = next(iter(self._unsent))
            return *key, self._unsent.pop(key)
        if not self._is_kept_told:
            self._is_kept_told = True
            return "kept", self._last_part - len(self._parts) + 1, ""
        progress, self._progress = self._progress, None
        return progress

    def _print(self, piece: bytes) -> None:
        is_head = self._end < self._half
        self._end += len(piece)
        self._unsent["output", self._end] = piece
        if is_head:
            return
        self._tail.append((self._end, len(piece)))
        self._tail_bytes += len(piece)
        while len(self._tail) > 1 and self._tail_bytes - self._tail[0][1] >= self._half:
            end, size = self._tail.popleft()
            self._tail_bytes -= size
            if self._unsent.pop(("output", end), None) is None:
                self._unsent["dropped", end] = ""

    def _yield(self, part: bytes) -> None:
        self._last_part += 1
        self._unsent["part", self._last_part] = part
        self._parts.append(len(part))
        self._part_bytes += len(part)
        while len(self._parts) > MOST_PARTS or self._part_bytes > MOST_PART_BYTES:
            self._unsent.pop(("part", self._last_part - len(self._parts) + 1), None)
            self._part_bytes -= self._parts.popleft()
        self._is_kept_told = False
