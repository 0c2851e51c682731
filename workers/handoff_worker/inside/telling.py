"""What a function tells while it runs: how far it is, what it yields, what it prints. Sent by a thread beside it.

The function itself only puts it down: its limit of time may strike anywhere, and what that would leave half sent no
agent could read. The thread is there as long as something is held, and sends once; so what nobody tells costs nothing.
What is held at the end goes with the answer.
"""

from __future__ import annotations

import contextlib
import os
import queue

# As they are before a function puts others in their place.
from _thread import allocate_lock, start_new_thread
from collections import deque
from collections.abc import Callable
from time import sleep
from typing import Protocol, TextIO

from handoff_worker.inside.wire import encode

TOLD = "told"
"""The kind of such a message, among the outcomes of functions."""

EVERY_S = 0.1

LOG_BYTES = 2**16
"""Of what an attempt prints so much is kept where a node says nothing else: half of the beginning, half of the end."""

MOST_PARTS, MOST_BYTES = 250, 2**19
"""Parts, and bytes of parts, that are held: whoever yields more waits until these are sent. So whoever reads along
reads all, before more than are kept have come behind them."""


LARGEST_PART = 2**20
"""Bytes of one part: others go to Redis in the same call."""


class Tells(Protocol):
    """What hears a function."""

    def progress(self, fraction: float, message: str) -> None: ...

    def part(self, data: bytes) -> None: ...


class Telling:
    """What the function tells that runs now, until it is sent."""

    def __init__(self, send: Callable[[bytes], object]) -> None:
        """`send` sends a frame to the agent, however long that takes."""
        self._send = send
        self._sending = allocate_lock()
        self._sent: queue.SimpleQueue[None] = queue.SimpleQueue()  #: its `get` can be interrupted anywhere
        self._is_due = False  #: a thread is going to send
        self._id = ""  #: of what runs; '' = nothing that may tell
        self._has_told = False  #: anything, since it began
        # Each is put to, and taken from, in single steps: a function and its threads need no lock for that.
        self._progress: deque[tuple[float, str]] = deque(maxlen=1)
        self._parts: deque[bytes] = deque()
        self._output = _Output(LOG_BYTES)

    def begin(self, id: str, log_bytes: int = LOG_BYTES) -> None:
        """Hear the function `id` from now on; so much is kept of what it prints, 0 = nothing but how much that is."""
        self._id = id
        if self._output.most != log_bytes:
            self._output = _Output(log_bytes)

    def answer(self, frame: bytes) -> None:
        """Send what is held, and then how the function has ended."""
        with self._sending:
            if self._has_told:
                frame = self._take(is_last=True) + frame
                self._output, self._has_told = _Output(self._output.most), False
            self._id = ""
            self._send(frame)

    def forget(self) -> None:
        """Tell nothing any more: this is a fork, and the other one is the function's."""
        self._sending, self._id = allocate_lock(), ""

    def progress(self, fraction: float, message: str) -> None:
        """Say how far it is."""
        if self._id:
            self._progress.append((fraction, message))
            self._make_due()

    def print(self, text: str) -> None:
        """Take what it prints."""
        if self._id:
            self._output.add(encoded(text))
            if self._output.most:
                self._make_due()
            else:
                self._has_told = True

    def part(self, data: bytes) -> None:
        """Take one of what it yields, and wait while too much is held."""
        if not self._id:
            return
        self._parts.append(data)
        while self._make_due() and (len(self._parts) >= MOST_PARTS or sum(map(len, self._parts)) >= MOST_BYTES):
            with contextlib.suppress(queue.Empty):
                self._sent.get(timeout=EVERY_S)

    def _make_due(self) -> bool:
        """-> False where no thread can be had: it goes with the answer"""
        self._has_told = True
        if not self._is_due:
            self._is_due = True
            try:
                start_new_thread(self._send_soon, ())
            except RuntimeError:
                self._is_due = False
        return self._is_due

    def _send_soon(self) -> None:
        sleep(EVERY_S)
        with self._sending:
            # First: what is put down from now on may be left to another thread.
            self._is_due = False
            # If the agent is gone, so are we soon.
            with contextlib.suppress(OSError):
                if frame := self._take():
                    self._send(frame)
        if self._sent.empty():
            self._sent.put(None)

    def _take(self, *, is_last: bool = False) -> bytes:
        """Take what is held. -> a frame, empty where that is nothing"""
        progress = self._progress.pop() if self._progress else ()
        parts = [self._parts.popleft() for _ in range(len(self._parts))]
        # Where nothing of it is kept, how much it was is told once.
        output = self._output.take() if self._output.most or is_last else []
        if not (progress or parts or output):
            return b""
        return encode({"id": self._id, "kind": TOLD, "progress": progress, "output": output, "parts": parts})


class _Output:
    """What an attempt prints: its beginning, and of what came since the last message the end."""

    def __init__(self, most: int) -> None:
        self.most = most  #: bytes that are kept
        self._room = most // 2  #: what is still to come of the beginning
        self._first: list[bytes] = []
        self._last: deque[bytes] = deque()
        self._size = self._skipped = 0  #: bytes of the last, and in front of them
        # A limit of time that strikes within `with` leaves no lock behind; in the thread that sends none strikes.
        self._lock = allocate_lock()

    def add(self, data: bytes) -> None:
        with self._lock:
            if self._room > 0:
                room, self._room = self._room, self._room - len(data)
                self._first.append(data[:room])
                data = data[room:]
            if data:
                self._last.append(data)
                self._size += len(data)
                self._trim()

    def _trim(self) -> None:
        while (excess := self._size - self.most // 2) > 0:
            piece = self._last.popleft()
            if len(piece) > excess:
                self._last.appendleft(piece[excess:])
            gone = min(excess, len(piece))
            self._size -= gone
            self._skipped += gone

    def take(self) -> list[tuple[int, bytes]]:
        """-> pieces, and in front of each how many bytes are left out; an empty one where nothing is kept"""
        with self._lock:
            pieces = [(0, b"".join(self._first)), (self._skipped, b"".join(self._last))]
            self._first.clear()
            self._last.clear()
            self._size = self._skipped = 0
        return [piece for piece in pieces if any(piece)]


def encoded(text: str) -> bytes:
    """What is kept of a text: all of it, also of one that cannot be written."""
    return text.encode("utf-8", "backslashreplace")


def listen(stream: TextIO | None, hear: Callable[[str], None]) -> Callable[[], None]:
    """Let `hear` have what is written to a stream, too; the stream stays the same object. -> what ends that

    Not the descriptor: C code that fills a pipe while it holds the interpreter would wait for a thread of the same
    interpreter to empty it.
    """
    if stream is None:
        return lambda: None
    write = stream.write

    def write_and_tell(text: str) -> int:
        written = write(text)
        hear(text)
        return written

    stream.write = write_and_tell  # type: ignore[method-assign]
    return lambda: setattr(stream, "write", write)


def stay_silent_in_forks(telling: Telling) -> None:
    """Have the forks of a function tell nothing: two would write into one socket."""
    os.register_at_fork(after_in_child=telling.forget)
