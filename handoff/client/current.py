"""What a function can ask about itself while it runs: where it was placed, and with what. Knows no Redis and no rq."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from handoff.errors import shown
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.cost import asked_for
from handoff.words.resources import Amount, amounts
from handoff.words.values import is_real

LONGEST_MESSAGE = 1_000
"""Characters that are kept of what is said to a progress."""

Tell = Callable[[float, str], None]
"""Takes how far a function is, and what it says to that."""


@dataclass(frozen=True, slots=True)
class Current:
    """One attempt at a function, as the node that runs it knows it."""

    id: str  #: of its RQ job
    function_id: str  #: what the user calls it
    node: str
    devices: Mapping[str, list[int]]  #: resource -> indices, of which it holds all, a share or some memory
    attempt: int  #: 1 for the first
    variant: int  #: which of its costs it was placed with, from 0; 0 too where it has only one
    cost: Mapping[str, Amount]  #: that cost: what it holds

    def progress(self, fraction: float, message: str | None = None) -> None:
        """Say how far it is, from 0 to 1, and what it does: `handle.progress` shows the last of these.

        As often as you like: at most ten a second are sent. In a fork of the function it does nothing.
        """
        if not (is_real(fraction) and 0 <= fraction <= 1):
            raise ValueError(f"fraction is {shown(fraction)}: give a number from 0 to 1")
        if not isinstance(message, str | None):
            raise ValueError(f"message is {shown(message)}: give a text, or None")
        running = _running
        if running is not None and running.id == self.id:
            said = (message or "").encode("utf-8", "replace").decode()
            running.tell(float(fraction), said[:LONGEST_MESSAGE])


def current() -> Current:
    """Tell a function about itself; also in threads and forks of its own, for as long as it runs.

    Callbacks are told by their arguments: to them, as outside of any function, this raises RuntimeError.
    """
    # Read once: in a thread, the function may end in between.
    running = _running
    if running is None:
        raise RuntimeError(
            "no function runs in this process: call handoff.current() inside a function, while a node runs it"
        )
    return running.describe()


def run_as_current(
    id: str, node: str, job: Mapping[bytes, bytes], tell: Tell
) -> contextlib.AbstractContextManager[None]:
    """Let `current` tell of this function until the block is left; `job` is its hash as Redis has it."""
    return _Told(_Running(id, node, job, tell))


def play_current(played: Current, tell: Tell) -> contextlib.AbstractContextManager[None]:
    """Let `current` give this one until the block is left: for a function that a test calls by itself."""
    return _Told(_Played(played.id, played, tell))


class _Told(contextlib.AbstractContextManager[None]):
    """Lets `current` tell of one. No generator: to make one, and to go through it, takes three times as long."""

    __slots__ = ("_before", "_running")

    def __init__(self, running: _Running | _Played) -> None:
        self._running = running
        self._before: _Running | _Played | None = None

    def __enter__(self) -> None:
        # In the process of a test a function may wait for another, which then runs there too.
        global _running
        self._before, _running = _running, self._running

    def __exit__(self, *raised: object) -> None:
        global _running
        _running = self._before


class _Running(NamedTuple):
    """What is known when a function begins; it is read only if somebody asks, for most functions do not."""

    id: str
    node: str
    job: Mapping[bytes, bytes]
    tell: Tell

    def describe(self) -> Current:
        job = StoredJob(self.job)
        return Current(
            id=self.id,
            function_id=job.text("function") or self.id,
            node=self.node,
            devices=job.devices,
            attempt=job.attempts or 1,
            variant=job.variant,
            cost=amounts(asked_for(job.cost)),
        )


@dataclass(frozen=True, slots=True)
class _Played:
    """What a test says of a function that it calls by itself."""

    id: str
    played: Current
    tell: Tell

    def describe(self) -> Current:
        return self.played


#: Of the process and not of a context: threads that a function starts inherit none.
_running: _Running | _Played | None = None
