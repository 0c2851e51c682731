"""Carries what is large to Redis and from there, beside the agent's loop: megabytes must hold up no beat.

Knows neither functions nor results; what is carried, and what is to be done then, says who gives it in charge.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import random
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from handoff.errors import StoreUnavailable

logger = logging.getLogger(__name__)

T = TypeVar("T")

LONGEST_PAUSE_S = 8.0

Insist = Callable[[Callable[[], Any]], Any]
"""Makes a call, again while Redis is away."""


class _Abandoned(Exception):
    """Nobody wants it any more."""


@dataclass(slots=True, eq=False)
class _Errand:
    carry: Callable[[Insist], Any]
    is_wanted: Callable[[], bool]
    then: Callable[[Any], None]
    failed: Callable[[Exception], None]
    answer: Any = None
    error: Exception | None = None


class Courier:
    """One thread, which runs one errand after the other. Whenever a selector finds it readable, `drain` it."""

    def __init__(self) -> None:
        """Start the thread. Raises `RuntimeError` where none can be had."""
        self._errands: queue.SimpleQueue[_Errand | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[_Errand] = queue.SimpleQueue()
        self._wanted: set[_Errand] = set()
        self._closing = threading.Event()
        self._read, self._write = socket.socketpair()
        self._read.setblocking(False)
        self._write.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="handoff-courier", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._read.close()
            self._write.close()
            raise

    def __bool__(self) -> bool:
        """Whether anything is on its way that is still wanted."""
        return any(errand.is_wanted() for errand in self._wanted)

    def fileno(self) -> int:
        """Readable when an errand is done."""
        return self._read.fileno()

    def send(
        self,
        carry: Callable[[Insist], T],
        is_wanted: Callable[[], bool],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Have something carried, as long as it is wanted; `drain` says how it ended."""
        errand = _Errand(carry, is_wanted, then, failed)
        self._wanted.add(errand)
        self._errands.put(errand)

    def drain(self) -> None:
        """Tell what has come about of errands."""
        self._read.recv(4096)
        while not self._done.empty():
            errand = self._done.get()
            if errand in self._wanted and errand.is_wanted():
                if errand.error is None:
                    errand.then(errand.answer)
                else:
                    errand.failed(errand.error)
            self._wanted.discard(errand)

    def forget(self) -> None:
        """Give all errands up."""
        self._wanted.clear()

    def close(self) -> None:
        """Give all errands up, and wait for the end of the thread: as long as one call of Redis may be silent."""
        self.forget()
        self._closing.set()
        self._errands.put(None)
        self._thread.join()
        self._read.close()
        self._write.close()

    def _run(self) -> None:
        while (errand := self._errands.get()) is not None:
            try:
                errand.answer = errand.carry(partial(self._insist, errand))
            except _Abandoned as error:
                errand.error = error
            except Exception as error:
                errand.error = error
            self._done.put(errand)
            # Where it takes no more, there is enough to wake up for.
            with contextlib.suppress(BlockingIOError):
                self._write.send(b"!")

    def _insist(self, errand: _Errand, call: Callable[[], T]) -> T:
        pause_s = 0.2
        while errand in self._wanted and errand.is_wanted():
            try:
                return call()
            except StoreUnavailable as error:
                logger.warning("%s; trying again in %.1f s to carry what is large", error, pause_s)
                self._closing.wait(pause_s * random.uniform(0.8, 1.2))
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
        raise _Abandoned
