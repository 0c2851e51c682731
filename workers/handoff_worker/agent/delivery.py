"""What came of functions, on its way to the books: in the form in which they take it, until they have answered."""

from __future__ import annotations

import random
from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from handoff.ledger.exceeded import EXCEEDED, GPU_MEMORY, MemoryExceeded
from handoff.ledger.result_entry import encode_traceback, encode_value
from handoff.ledger.texts.list import write_list
from handoff.ledger.texts.reservation import job_of
from handoff.ledger.texts.result import write_result
from handoff.ledger.texts.usage import write_usage
from handoff_worker.children.outcome import Died, Failed, Finished, NotStarted, Outcome

CHILD_DIED = "handoff.ChildDied"
"""The exception type of a function whose process ended under it."""

STOPPED = "handoff.Stopped"
"""The exception type of a function that was stopped by a command of rq's."""

MOST_BYTES = 2**19
"""Of results in one call: until it is answered, the agent cannot beat."""

MOST_IN_VAIN = 1
"""Exchanges with nothing in them that may fail under one number; between them are pauses."""

LARGE = 2**18
"""Bytes of value and forms that are sent ahead, in pieces, between which beats go."""


class Result(NamedTuple):
    """What came of one attempt, as the finish script takes it. No dataclass: to make one takes three times as long."""

    id: str
    kind: str  #: finished, failed, died, stopped, exceeded, sent, unstarted
    body: str  #: RQ's return_value or exc_string
    error: str = ""
    message: str = ""
    retryable: bool = False
    jitter: float = 1.0
    forms: str = ""  #: texts like RQ's return_value, with commas between
    usage: str = ""  #: texts/usage

    @property
    def size(self) -> int:
        """Bytes that it takes to deliver it, but for a few."""
        return len(self.body) + len(self.forms) + len(self.message)

    @property
    def whole(self) -> str:
        """Value and forms as a parcel has them."""
        return write_list(filter(None, (self.body, self.forms)))

    def as_sent(self, parcel: str) -> Result:
        """The same when value and forms were sent ahead."""
        return Result(self.id, "sent", parcel, message=str(len(self.whole)), usage=self.usage)

    def flat(self) -> list[str | int]:
        """The nine values of the script's list."""
        return write_result(
            self.id, self.kind, self.body, self.error, self.message, self.retryable, self.jitter, self.forms, self.usage
        )


def result(outcome: Outcome, gpu_memory_mb: int | None = None) -> Result:
    """What the books store of an outcome; `gpu_memory_mb` is what it was seen to have of gpus."""
    jitter = random.uniform(0.8, 1.2)
    match outcome:
        case Finished(id, serialized, forms):
            return Result(
                id, "finished", encode_value(serialized), forms=write_list(map(encode_value, forms)),
                usage=usage(outcome, gpu_memory_mb)
            )  # fmt: skip
        case Failed(id, error, message, traceback, retryable):
            body = encode_traceback(traceback)
            return Result(id, "failed", body, error, message, retryable, jitter, usage=usage(outcome, gpu_memory_mb))
        case Died(id, code, text, unasked, memory_mb):
            if text.startswith("killed"):
                message = f"its child process was {text}"
            else:
                message = f"its child process {text}" if text.startswith("exited") else text
            if unasked and memory_mb:
                message += f"; it had {memory_mb:,} MB of memory at most"
            body = encode_traceback(f"{CHILD_DIED}: {message}\n{_where_to_look(id, code)}")
            kind = "died" if unasked else "failed"
            return Result(id, kind, body, CHILD_DIED, message, True, jitter, usage=usage(outcome, gpu_memory_mb))
        case NotStarted(id, reason):
            return Result(id, "unstarted", "", CHILD_DIED, reason)


def exceeded(died: Died, declared_mb: float, used_mb: int, resource: str) -> Result:
    """What the books store of a function whose process was ended, for it had more memory than it had declared."""
    message = MemoryExceeded(declared_mb, used_mb, resource=resource).reason
    body = encode_traceback(f"{EXCEEDED}: {message}")
    of_gpus = resource == GPU_MEMORY
    sizes = (died.memory_mb, used_mb) if of_gpus else (used_mb, None)
    used = write_usage(sizes[0], None, died.took_s, sizes[1])
    return Result(died.id, "exceeded", body, EXCEEDED, message, usage=used)


def usage(outcome: Outcome, gpu_memory_mb: int | None = None) -> str:
    """What the books keep of what it has used."""
    match outcome:
        case Finished() | Failed():
            return write_usage(outcome.memory_mb, outcome.cpu_s, outcome.took_s, gpu_memory_mb)
        case Died():
            return write_usage(outcome.memory_mb, None, outcome.took_s, gpu_memory_mb)
        case NotStarted():
            return ""


def _where_to_look(id: str, code: int | None) -> str:
    """Say who may know more of a process that died: it has left no traceback."""
    told = f"There is no traceback of a process that died. `handoff logs {job_of(id)}` shows what it had printed"
    match code:
        case -9:
            return f"{told}; whether memory was short says the kernel's log of that host (`dmesg`)."
        case int() if code < 0:
            return f"{told}; a C extension that fails so is found with PYTHONFAULTHANDLER=1 on the node, in its log."
        case _:
            return f"{told}."


def stopped(id: str, why: str, used: str = "") -> Result:
    """What the books store of a function that a command has ended; `used` is texts/usage."""
    return Result(id, "stopped", encode_traceback(f"{STOPPED}: {why}"), STOPPED, why, usage=used)


def unbegun(id: str) -> Result:
    """What the books store of a function of which nothing has run, for its agent ends."""
    return Result(id, "unstarted", "", message="its agent ended before it had begun")


def unstorable(id: str, error: Exception) -> Result:
    """What the books store of a function whose large value Redis does not take."""
    return _failed(id, "its result could not be stored", error)


def unreadable(id: str, error: Exception) -> Result:
    """What the books store of a function of which not all could be read."""
    return _failed(id, "it could not be read", error)


def _failed(id: str, what: str, error: Exception) -> Result:
    message = f"{what}: {error}"
    return Result(
        id, "failed", encode_traceback(message), f"{type(error).__module__}.{type(error).__qualname__}", message
    )


class Outbox:
    """Results in order. They go out in numbered exchanges, one at a time, and one without an answer is sent again.

    Before a large one, its value is sent ahead by somebody else, who takes it from `large`.

    Where the script of an exchange fails, the next ones take nothing and carry one result each, until all of that
    exchange have been tried: first alone, and then under the same number none at all, which tells whether it was that
    result that does not go. Where that fails too, and again, it may be what was started under that number, of which no
    answer can tell then: the next number goes on without, and at the next heartbeat that counts as lost.
    """

    def __init__(self) -> None:
        self._op = 0
        self.is_unanswered = False  #: the last exchange was sent, and its answer has not come
        self.sent: list[Result] = []  #: in it
        self._carried = 0  #: how many of them the next attempt carries
        self.is_careful = False  #: one at a time, and nothing is taken
        self._suspects = 0  #: results that are still to be tried one at a time
        self._in_vain = 0  #: exchanges with nothing in them whose script has failed, under this number
        self.unsent: list[Result] = []
        self.large: list[Result] = []  #: to be sent ahead
        self._ahead: dict[str, Result] = {}  #: those whose value is sent ahead, or was

    def __bool__(self) -> bool:
        return self.is_unanswered or bool(self.unsent)

    def ids(self) -> Iterator[str]:
        """The reservations whose results have not been answered for."""
        yield from {result.id: None for result in (*self.sent, *self.unsent, *self._ahead.values())}

    def results(self) -> list[Result]:
        """Those that go out with the next exchanges and have not been answered for."""
        return [*self.sent, *self.unsent]

    @property
    def answered(self) -> int:
        """The number of the last exchange that was answered."""
        return self._op - self.is_unanswered

    def add(self, result: Result) -> None:
        """Have it delivered."""
        if result.kind == "finished" and result.size > LARGE:
            self._ahead[result.id] = result
            self.large.append(result)
        else:
            self.unsent.append(result)

    def is_ahead(self, id: str) -> bool:
        """Whether its value is to be sent ahead."""
        return id in self._ahead

    def take_large(self) -> list[Result]:
        """-> what is to be sent ahead now"""
        large, self.large = self.large, []
        return large

    def arrived(self, id: str, parcel: str) -> None:
        """Go on with a result whose value was sent ahead."""
        self.unsent.append(self._ahead[id].as_sent(parcel))

    def send_again(self, id: str) -> None:
        """Send the value of a result ahead once more: Redis has lost what it had of it."""
        self.large.append(self._ahead[id])

    def settle(self, id: str) -> Result | None:
        """Forget what was sent ahead: its result has been delivered, or another in its place. -> what it was"""
        return self._ahead.pop(id, None)

    def exchange(self, most: float = inf) -> tuple[int, list[Result]]:
        """-> number and results, so many at most, of the exchange to send now: the last one, unless it is answered"""
        if not self.is_unanswered:
            self._op += 1
            if self.is_careful:
                self.sent, self.unsent = self.unsent[:1], self.unsent[1:]
            else:
                self.sent, self.unsent = _some_of(self.unsent, most)
            self._carried = len(self.sent)
            self.is_unanswered = True
        return self._op, self.sent[: self._carried]

    def narrow(self) -> bool:
        """Have the exchange whose script has failed carry less. -> False where that failed with nothing in it too"""
        if not self.is_careful:
            self.is_careful, self._suspects = True, len(self.sent)
            self._carried = min(1, len(self.sent))
            return True
        if self._carried:
            self._carried = 0
            return True
        self._carried = min(1, len(self.sent))
        self._in_vain += 1
        if self._in_vain > MOST_IN_VAIN:
            self._op += 1
        return False

    def note_answer(self, count: int) -> tuple[list[Result], Result | None]:
        """-> what was delivered by the exchange that has now been answered, and the result that does not go

        `count` says how many were: a script may have failed when it had noted its answer.
        """
        delivered, rest = self.sent[:count], self.sent[count:]
        misfit = rest.pop(0) if self.is_careful and rest and self._carried == 0 else None
        self.sent, self.unsent, self.is_unanswered = [], [*rest, *self.unsent], False
        self._in_vain = 0
        self._suspects -= count + (misfit is not None)
        if self._suspects <= 0:
            self.is_careful = False
        return delivered, misfit

    def add_in_place_of(self, misfit: Result, result: Result) -> None:
        """Deliver this next, and alone, for one that does not go."""
        self.settle(misfit.id)
        self.unsent.insert(0, result)
        self.is_careful, self._suspects = True, max(0, self._suspects) + 1

    def drop(self) -> None:
        """Give up on all of them. The numbers go on: Redis may have been rolled back to one of an earlier epoch."""
        self.sent, self.unsent, self.is_unanswered = [], [], False
        self.is_careful, self._suspects, self._in_vain = False, 0, 0
        self.large, self._ahead = [], {}


def _some_of(results: list[Result], most: float) -> tuple[list[Result], list[Result]]:
    """Split off what one call may carry: at least one result, at most so many, and `MOST_BYTES` beside the first."""
    size = 0
    for count, result in enumerate(results):
        size += result.size
        if count and (size > MOST_BYTES or count >= most):
            return results[:count], results[count:]
    return results, []
