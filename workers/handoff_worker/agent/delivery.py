"""What came of functions, on its way to the books: in the form in which they take it, until they have answered."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from handoff.ledger.result_entry import encode_traceback, encode_value
from handoff.ledger.texts.list import write_list
from handoff.ledger.texts.result import write_result
from handoff_worker.children.outcome import Died, Failed, Finished, Outcome

CHILD_DIED = "handoff.ChildDied"
"""The exception type of a function whose process ended under it."""

STOPPED = "handoff.Stopped"
"""The exception type of a function that was stopped by a command of rq's."""

MOST_BYTES = 32 * 2**20
"""Of results in one call: Redis takes no more than 1 GB, and a slow link has the socket's time-out to carry them."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attempt, as the finish script takes it."""

    id: str
    kind: str  #: finished, failed, stopped
    body: str  #: RQ's return_value or exc_string
    error: str = ""
    message: str = ""
    retryable: bool = False
    jitter: float = 1.0
    forms: str = ""  #: texts like RQ's return_value, with commas between

    def flat(self) -> list[str | int]:
        """The eight values of the script's list."""
        return write_result(
            self.id, self.kind, self.body, self.error, self.message, self.retryable, self.jitter, self.forms
        )


def result(outcome: Outcome) -> Result:
    """What the books store of an outcome."""
    jitter = random.uniform(0.8, 1.2)
    match outcome:
        case Finished(id, serialized, forms):
            return Result(id, "finished", encode_value(serialized), forms=write_list(map(encode_value, forms)))
        case Failed(id, error, message, traceback, retryable):
            return Result(id, "failed", encode_traceback(traceback), error, message, retryable, jitter)
        case Died(id, _, text):
            if text.startswith("killed"):
                message = f"its child process was {text}"
            else:
                message = f"its child process {text}" if text.startswith("exited") else text
            body = encode_traceback(f"{CHILD_DIED}: {message}")
            return Result(id, "failed", body, CHILD_DIED, message, True, jitter)


def stopped(id: str, why: str) -> Result:
    """What the books store of a function that a command has ended."""
    return Result(id, "stopped", encode_traceback(f"{STOPPED}: {why}"), STOPPED, why)


class Outbox:
    """Results in order. They go out in numbered exchanges, one at a time, and one without an answer is sent again."""

    def __init__(self) -> None:
        self._op = 0
        self.is_unanswered = False  #: the last exchange was sent, and its answer has not come
        self.sent: list[Result] = []  #: in it
        self.unsent: list[Result] = []

    def __bool__(self) -> bool:
        return self.is_unanswered or bool(self.unsent)

    def ids(self) -> Iterator[str]:
        """The reservations whose results have not been answered for."""
        yield from (result.id for result in (*self.sent, *self.unsent))

    def add(self, result: Result) -> None:
        """Have it delivered."""
        self.unsent.append(result)

    def exchange(self) -> tuple[int, list[Result]]:
        """-> number and results of the exchange to be sent now: the last one, unless it is answered"""
        if not self.is_unanswered:
            self._op += 1
            self.sent, self.unsent = _some_of(self.unsent)
            self.is_unanswered = True
        return self._op, self.sent

    def note_answer(self) -> list[Result]:
        """-> what was delivered by the exchange that has now been answered"""
        delivered, self.sent, self.is_unanswered = self.sent, [], False
        return delivered

    def drop(self) -> None:
        """Give up on all of them. The numbers go on: Redis may have been rolled back to one of an earlier epoch."""
        self.sent, self.unsent, self.is_unanswered = [], [], False


def _some_of(results: list[Result]) -> tuple[list[Result], list[Result]]:
    """Split off what one call may carry: at least one result, and no more than `MOST_BYTES` beside it."""
    size = 0
    for count, result in enumerate(results):
        size += len(result.body) + len(result.forms)
        if count and size > MOST_BYTES:
            return results[:count], results[count:]
    return results, []
