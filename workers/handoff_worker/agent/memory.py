"""What has ended here lately: after a roll-back of Redis nobody else knows it.

A function is known by its job, by which submit made that, and by the number of the attempt, which no job is given twice
unless Redis has forgotten it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from handoff.ledger.result_entry import encode_traceback
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.started import Started

REMEMBERED_S = 600.0
"""A snapshot to which Redis is rolled back is seldom older."""

MOST_REMEMBERED = 20_000

MOST_BYTES = 8 * 2**20
"""Of results, in all; of those that are older it is only remembered that there were some."""

MOST_TOLD, MOST_TOLD_BYTES = 32, 2**20
"""Of one call: each is an end, of some 50 us, and a slow link has seconds to carry it. A larger result is not kept."""

FORGOTTEN = "handoff.Forgotten"
"""The exception type of a function that had ended, and of which Redis and its agent have forgotten the result."""


class Ended(NamedTuple):
    """An attempt that has ended here, and what came of it; or, when that is told, one that runs."""

    made_by: tuple[str, str]  #: which submit made the job, and when
    attempt: int
    result: Result
    at_s: float

    def flat(self) -> list[str | int]:
        """The values of the recall script's list."""
        return [*self.made_by, self.attempt, *self.result.flat()]


class Memory:
    """The last attempts that ended here, by job, the oldest first."""

    def __init__(self) -> None:
        self._ended: OrderedDict[str, Ended] = OrderedDict()
        self._bytes = 0

    def note(self, started: Started, result: Result, now_s: float) -> None:
        """Remember what was delivered, and forget what ended long ago."""
        self._drop(started.job_id)
        if not _is_told_whole(result):
            result = _forgotten(result)
        self._ended[started.job_id] = Ended(started.made_by, started.attempt, result, now_s)
        self._bytes += _size(result)
        while self._ended and (len(self._ended) > MOST_REMEMBERED or self._oldest().at_s < now_s - REMEMBERED_S):
            self._drop(next(iter(self._ended)))
        if self._bytes > MOST_BYTES:
            self._forget_results()

    def result_of(self, started: Started) -> Result | None:
        """What came of a function that is started once more, although that attempt has ended here."""
        ended = self._ended.get(started.job_id)
        if ended is None or ended.made_by != started.made_by or started.attempt > ended.attempt:
            return None
        return ended.result._replace(id=started.id)

    def told_with(self, running: Iterable[Started], undelivered: Iterable[Result]) -> list[list[Ended]]:
        """All of it, and behind it what runs, in parts of which each is told by one call; at least one.

        Of what runs by the books of the agent, some results may be on their way.
        """
        parts: list[list[Ended]] = [[]]
        size = 0
        results = {result.id: result for result in undelivered if _is_told_whole(result)}
        runs = (
            Ended(started.made_by, started.attempt, results.get(started.id) or Result(started.id, "running", ""), 0.0)
            for started in running
        )
        for ended in (*self._ended.values(), *runs):
            size += _size(ended.result)
            if len(parts[-1]) == MOST_TOLD or size > MOST_TOLD_BYTES:
                parts.append([])
                size = _size(ended.result)
            parts[-1].append(ended)
        return parts

    def _oldest(self) -> Ended:
        return next(iter(self._ended.values()))

    def _drop(self, job_id: str) -> None:
        if (ended := self._ended.pop(job_id, None)) is not None:
            self._bytes -= _size(ended.result)

    def _forget_results(self) -> None:
        """Of the oldest, until the rest is half of what may be kept: so that this is seldom done."""
        for job_id, ended in self._ended.items():
            if self._bytes <= MOST_BYTES // 2:
                return
            self._bytes -= _size(ended.result)
            self._ended[job_id] = ended._replace(result=_forgotten(ended.result))
            self._bytes += _size(self._ended[job_id].result)


def _size(result: Result) -> int:
    return len(result.body) + len(result.forms)


def _is_told_whole(result: Result) -> bool:
    """Not one whose value is sent ahead of it."""
    return result.kind != "sent" and _size(result) <= MOST_TOLD_BYTES


def _forgotten(result: Result) -> Result:
    if result.kind not in ("finished", "sent") or not _size(result):
        return result
    message = "it had finished when Redis was rolled back, and its result was too large to be kept for that"
    return Result(result.id, "failed", encode_traceback(message), FORGOTTEN, message)
