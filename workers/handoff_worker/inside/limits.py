"""How long a function may take: rq's limits of time, as they strike here."""

from __future__ import annotations

import contextlib
from types import FrameType

from rq.timeouts import BaseDeathPenalty, JobTimeoutException, UnixSignalDeathPenalty

_NO_LIMIT = contextlib.nullcontext()


class Alarm(UnixSignalDeathPenalty):
    """rq's limit of time, that remembers whether it struck: a function may have caught what it raised."""

    struck = False

    def handle_death_penalty(self, signum: int, frame: FrameType | None) -> None:
        type(self).struck = True
        super().handle_death_penalty(signum, frame)  # type: ignore[no-untyped-call]


class NoLimit(BaseDeathPenalty):
    """rq's limit of time where nobody enforces it: within a test its signal would end the test."""

    def setup_death_penalty(self) -> None: ...

    def cancel_death_penalty(self) -> None: ...


def limited(limit_s: float | None, limit: type[BaseDeathPenalty]) -> contextlib.AbstractContextManager[None]:
    """Raise rq's `JobTimeoutException` in what takes longer; None = it may take any time."""
    return _NO_LIMIT if limit_s is None else limit(limit_s, JobTimeoutException)
