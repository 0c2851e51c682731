"""What functions print, as it stands in the agent's output: whole lines, each with the id of who has printed it.

Without locks: a function may fork while a thread of it prints, and be struck by its limit of time anywhere.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable
from typing import TextIO

from handoff.ledger.texts.reservation import job_of
from handoff_worker.inside.telling import listen
from handoff_worker.log import printed

MOST_HELD = 256
"""Pieces of a line that does not end, which are written as if it had."""


class Printing:
    """Who prints now, and what is held of lines that have no end yet."""

    def __init__(self, hear: Callable[[str], None], form: str) -> None:
        """`hear` is told what is printed, too; `form` is one of `log.FORMS`."""
        self._hear, self._form = hear, form
        self._id = ""
        self._ends: list[Callable[[], None]] = []

    def attach(self, name: str, stream: TextIO | None) -> None:
        """Have what is written to a stream go this way; the stream stays the same object."""
        if stream is not None:
            lines = _Lines(stream.write, lambda text: printed(self._form, name, self._id, text))
            stream.write = lines.write  # type: ignore[method-assign]
            self._ends.append(lines.end)
            listen(stream, self._hear)

    def begin(self, id: str) -> None:
        """From now on it is this function that prints."""
        self._id = job_of(id)

    def end(self) -> None:
        """End the lines that it has not ended."""
        for end in self._ends:
            end()


class _Lines:
    """Makes lines of what is written."""

    def __init__(self, write: Callable[[str], int], form: Callable[[str], str]) -> None:
        self._write, self._form = write, form
        self._held: deque[str] = deque()

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            # To say what is wrong with it is for the stream.
            return self._write(text)
        if text:
            self._held.append(text)
        if "\n" in text:
            self._take()
        elif len(self._held) > MOST_HELD:
            self.end()
        return len(text)

    def end(self) -> None:
        if self._held:
            self._held.append("\n")
            self._take()

    def _take(self) -> None:
        # Each piece is taken once, whoever else takes some at the same time.
        pieces = []
        with contextlib.suppress(IndexError):
            while True:
                pieces.append(self._held.popleft())
        lines, newline, rest = "".join(pieces).rpartition("\n")
        if rest:
            self._held.appendleft(rest)
        if newline:
            self._write("".join(self._form(_shown(line)) for line in lines.split("\n")))


def _shown(line: str) -> str:
    """What a terminal shows of a line that was written over, as bars of progress are."""
    return line.rstrip("\r").rpartition("\r")[2]
