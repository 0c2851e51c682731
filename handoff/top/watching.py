"""The thread that reads: one look per interval, whoever is shown it, and at once where something was done.

Keys are never kept waiting by Redis: what is read comes to the terminal as a message.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import redis
from textual.message import Message
from textual.message_pump import MessagePump

from handoff.errors import HandoffError, StoreUnavailable
from handoff.top.sight import Look, Reads, Sight


class Seen(Message):
    """A look, and what the page that was on top wanted beside it: or the error that says why there is none."""

    def __init__(self, look: Look, of: MessagePump, found: Any) -> None:
        super().__init__()
        self.look, self.of, self.found = look, of, found


class Unseen(Message):
    """A look was not possible."""

    def __init__(self, said: str, *, is_away: bool) -> None:
        super().__init__()
        self.said, self.is_away = said, is_away


class Broken(Message):
    """Reading has ended by a defect."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


Wanted = Callable[[], tuple[MessagePump, Reads[Any] | None]]
"""The page on top, and what it reads; called by the thread."""


class Watching:
    """Reads until it is told to stop."""

    def __init__(self, sight: Sight, interval_s: float, wanted: Wanted, post: Callable[[Message], bool]) -> None:
        self._sight, self._interval_s = sight, interval_s
        self._wanted, self._post = wanted, post
        self._due, self._over = threading.Event(), threading.Event()
        # Whoever quits does not wait for a Redis that does not answer.
        self._thread = threading.Thread(target=self._watch, name="handoff-top", daemon=True)

    def start(self) -> None:
        """Begin with a look at once."""
        self._thread.start()

    def hurry(self) -> None:
        """Look again now."""
        self._due.set()

    def stop(self, within_s: float = 0.0) -> None:
        """Read no more."""
        self._over.set()
        self._due.set()
        self._thread.join(within_s)

    def _watch(self) -> None:
        while not self._over.is_set():
            self._due.clear()
            seen = self._look()
            if self._over.is_set():
                return
            self._post(seen)
            if isinstance(seen, Broken):
                return
            self._due.wait(self._interval_s)

    def _look(self) -> Message:
        page, reads = self._wanted()
        try:
            return Seen(self._sight.look(), page, self._found(reads) if reads else None)
        except HandoffError as error:
            return Unseen(str(error), is_away=isinstance(error, StoreUnavailable))
        except redis.RedisError as error:
            return Unseen(f"Redis refuses ({error})", is_away=False)
        # Nobody hears of what ends a thread: the application ends with it.
        except Exception as error:
            return Broken(error)

    def _found(self, reads: Reads[Any]) -> Any:
        try:
            return reads(self._sight)
        except StoreUnavailable:
            raise
        except HandoffError as error:
            return error
