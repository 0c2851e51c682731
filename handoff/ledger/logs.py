"""What a function has printed and logged, as text: attempt by attempt, with a line where something is left out."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import AsyncIterator

from handoff.ledger.asking import Ledger
from handoff.ledger.records import Record
from handoff.ledger.store import Call, Each
from handoff.ledger.told import Thing, follow, told_of

KEY = "output"


@Call
async def read_logs(ledger: Ledger, job_id: str) -> str:
    """All that is kept of what a function has printed. Raises `UnknownFunction`."""
    printed = _Printed()
    return "".join(printed.add(thing) for thing in await told_of(ledger, KEY, job_id)) + printed.end()


@Each
async def follow_logs(ledger: Ledger, job_id: str) -> AsyncIterator[str]:
    """The lines of that, and those that come, until the function has ended. Raises `UnknownFunction`."""
    printed, begun = _Printed(), ""
    async for thing in follow(ledger, KEY, job_id):
        begun += printed.end() if isinstance(thing, Record) else printed.add(thing)
        *lines, begun = begun.split("\n")
        for line in lines:
            yield line
    if begun:
        yield begun


class _Printed:
    """Makes text of what was printed, piece by piece."""

    def __init__(self) -> None:
        self._placement = self._end = 0
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._is_in_line = False

    def add(self, piece: Thing) -> str:
        """-> the text of the next piece, with what is to be said in front of it"""
        text = ""
        if piece.placement != self._placement:
            self._placement, self._end = piece.placement, 0
            if piece.attempt > 1:
                text = self._line(f"[attempt {piece.attempt}]")
        if left_out := piece.number - len(piece.data) - self._end:
            text += self._line(f"[{left_out} bytes are left out]")
        self._end = piece.number
        return text + self._note(self._decoder.decode(piece.data))

    def end(self) -> str:
        """-> what is left: half of a character"""
        return self._note(self._decoder.decode(b"", final=True))

    def _line(self, said: str) -> str:
        text = self.end()
        return self._note(text + "\n" * self._is_in_line + f"{said}\n")

    def _note(self, text: str) -> str:
        if text:
            self._is_in_line = not text.endswith("\n")
        return text
