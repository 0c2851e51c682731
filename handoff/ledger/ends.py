"""Waiting for many functions at once: which have ended since, in the order in which they did."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.housekeeping import await_any
from handoff.ledger.states import state_of
from handoff.words.values import patience_s

AT_ONCE = 500
"""Functions at which one script looks: some 2 us each."""

WATCHED = 256
"""Of more, the end of one of the first, which are mostly the next to end, has all of them looked at."""

FEW = 50

PER_FUNCTION_S = 40e-6
"""Between two looks at more than a few this passes for each, twenty times of what a look takes: so the server spends a
twentieth of its time on them, however many there are, and whether they end all at once or one by one."""


@dataclass(frozen=True, slots=True)
class End:
    """One function that has ended."""

    job_id: str
    status: str  #: API's word, or '' of one that is gone
    at: str  #: RQ's timestamp


class Ends:
    """Functions that somebody waits for, and who tells of each once when it has ended."""

    def __init__(self, ledger: Ledger, job_ids: Iterable[str], timeout: float | None) -> None:
        """From now on `timeout` seconds are waited at most; an outage of Redis meanwhile is waited out."""
        self._timeout, self._deadline_s = timeout, time.monotonic() + patience_s(timeout)
        self._ledger = ledger.until(self._deadline_s)
        self._left = dict.fromkeys(job_ids)
        self._older: dict[str, bytes] = {}  #: of one that rq requeued, the newest entry of what it ended with before
        self._next_s = 0.0  #: when it may be looked again
        self._is_over = False  #: a look has begun behind the deadline: there is no other
        self.on_look: Callable[[], None] = lambda: None
        self.total = len(self._left)
        self.standing: Counter[str] = Counter()  #: how many of those that have not ended stand where

    @property
    def are_late(self) -> bool:
        """Whether some have not ended in time: then `more` raises `TimeoutError` when it is asked next."""
        return self._is_over and bool(self._left)

    async def more(self) -> list[End]:
        """Wait for those that end next; none where all have ended.

        Those that have ended by the deadline are given, and then it raises the builtin `TimeoutError`, however many go
        on to end.
        """
        is_woken = False
        while self._left and not self._is_over:
            await self._ledger.rest(min(self._next_s, self._deadline_s) - time.monotonic())
            self._is_over = time.monotonic() >= self._deadline_s
            if found := await self._look():
                return found
            if is_woken:
                await self._note_older()
            left_s = self._deadline_s - time.monotonic()
            is_woken = left_s > 0 and await await_any(self._ledger, self._watched(), left_s)
        if self._left:
            raise TimeoutError(self._told())
        return []

    async def _look(self) -> list[End]:
        found: list[End] = []
        self.standing.clear()
        for ids in _in_parts(list(self._left), AT_ONCE):
            match await self._ledger.run("ends", *ids):
                case ["looked", list(ended), list(standing)]:
                    found += [
                        End(ids[place - 1], state_of(status.decode(), "") if status else "", at.decode())
                        for place, status, at in _threes(ended)
                    ]
                    for status, state, count in _threes(standing):
                        self.standing[state_of(status.decode(), state.decode())] += count
                case reply:
                    raise unlisted("ends", reply)
        count = len(self._left)
        self._next_s = time.monotonic() + (count * PER_FUNCTION_S if count > FEW else 0)
        for end in found:
            del self._left[end.job_id]
        self.on_look()
        return sorted(found, key=lambda end: end.at)

    def _watched(self) -> dict[str, bytes]:
        """What is written to when one of the first ends, by rq's stream of its results."""
        stream = self._ledger.keys("rq_results", "")
        return {stream + id: self._older.get(id, b"0-0") for id in islice(self._left, WATCHED)}

    async def _note_older(self) -> None:
        """Something stands in their streams, and none of them has ended: that is of an end before."""
        ids = list(islice(self._left, WATCHED))
        replies = await self._ledger.read_each(
            [("XREVRANGE", self._ledger.keys("rq_results", id), "+", "-", "COUNT", 1) for id in ids]
        )
        self._older = {id: entries[0][0] for id, entries in zip(ids, replies, strict=True) if entries}

    def _told(self) -> str:
        stand = ", ".join(f"{count} {state}" for state, count in sorted(self.standing.items()))
        return f"{len(self._left)} of {self.total} functions have not ended after {self._timeout} s of waiting: {stand}"


def _in_parts(ids: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (ids[i : i + most] for i in range(0, len(ids), most))


def _threes(flat: Sequence[Any]) -> Iterator[tuple[Any, Any, Any]]:
    return zip(flat[::3], flat[1::3], flat[2::3], strict=True)
