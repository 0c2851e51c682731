"""When something recurs: by a cron text in a time zone, or every so many seconds; in moments of unix time, in ms.

What cron texts mean is croniter's, which comes with rq.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from handoff.errors import shown
from handoff.words.values import LONGEST_WAIT_S, is_wait

When = str | float | timedelta
"""A cron text of five fields such as "0 3 * * *", or the seconds between two moments."""

CatchUp = Literal["last", "none"]
"""Of moments that passed while nobody was there: one run for all of them, or none."""

CATCH_UP: tuple[CatchUp, ...] = get_args(CatchUp)

Overlap = Literal["skip", "run"]
"""Whether a moment is left out while the run before has not ended, or runs beside it."""

OVERLAP: tuple[Overlap, ...] = get_args(Overlap)

LATE_MS = 60_000
"""A moment that is found later than this has been missed. Somebody ticks every half second where anybody is there."""

MOST_MISSED = 1000
"""So many missed moments are counted."""

SHORTEST_MS = 1000

_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When something recurs, as it is stored."""

    text: str  #: a cron text, or seconds
    zone: str  #: of a cron text: the key of a ZoneInfo
    since_ms: int  #: from when seconds are counted

    def after(self, moment_ms: int) -> int:
        """The first moment after this one."""
        return next(self._all_after(moment_ms))

    def passed(self, due_ms: int, now_ms: int) -> Passed:
        """What has passed by now, where the first that is due is known."""
        moments = self._all_after(due_ms - 1)
        latest, count = next(moments), 1
        for moment_ms in moments:
            if moment_ms > now_ms:
                return Passed(latest, moment_ms, count)
            latest, count = moment_ms, count + 1
            if count > MOST_MISSED:
                break
        latest = self._last_before(now_ms)
        return Passed(latest, self.after(latest), count)

    @property
    def seconds(self) -> float | None:
        """The seconds between two moments; None of a cron text."""
        return None if " " in self.text or self.text.startswith("@") else float(self.text)

    def _all_after(self, moment_ms: int) -> Iterator[int]:
        if self.seconds is not None:
            step_ms = max(SHORTEST_MS, round(1000 * self.seconds))
            number = max(0, moment_ms - self.since_ms) // step_ms + 1
            while True:
                yield self.since_ms + number * step_ms
                number += 1
        yield from self._by_cron(moment_ms, forward=True)

    def _last_before(self, now_ms: int) -> int:
        if self.seconds is not None:
            step_ms = max(SHORTEST_MS, round(1000 * self.seconds))
            return self.since_ms + (now_ms - self.since_ms) // step_ms * step_ms
        return next(self._by_cron(now_ms + 1, forward=False))

    def _by_cron(self, moment_ms: int, *, forward: bool) -> Iterator[int]:
        # It takes 20 ms to import, for those few who have schedules.
        from croniter import croniter

        zone = ZoneInfo(self.zone)
        moments = croniter(self.text, datetime.fromtimestamp(moment_ms / 1000, zone))
        is_hourly = _hours_of(self.text).startswith("*") or moments.expanded[1] == ["*"]
        while True:
            found: float = moments.get_next(float) if forward else moments.get_prev(float)
            # Of an hour that comes twice in autumn the second is for what recurs every hour or more often.
            if is_hourly or not datetime.fromtimestamp(found, zone).fold:
                yield round(found * 1000)


@dataclass(frozen=True, slots=True)
class Passed:
    """What has become due."""

    latest_ms: int  #: the last moment that has passed
    next_ms: int  #: the first that has not
    count: int  #: how many have passed, at most `MOST_MISSED` + 1

    def is_run(self, catch_up: CatchUp, now_ms: int) -> bool:
        """Whether the last of them is run now."""
        return catch_up == "last" or now_ms - self.latest_ms <= LATE_MS


def parse_recurrence(when: When, timezone: str | None, now_ms: int) -> Recurrence:
    """Read when something recurs, counted from now. Raises `ValueError`."""
    if not isinstance(when, str):
        seconds = when.total_seconds() if isinstance(when, timedelta) else when
        if not is_wait(seconds) or seconds * 1000 < SHORTEST_MS:
            raise ValueError(f"when is {shown(when)}: give a cron text, or seconds from 1 to {LONGEST_WAIT_S}")
        if timezone is not None:
            raise ValueError(f"timezone is {shown(timezone)}, and seconds have none: leave it out, or give a cron text")
        return Recurrence(_plain(seconds), "UTC", now_ms)
    recurrence = Recurrence(when.strip(), _zone(timezone), now_ms)
    _check_cron(recurrence, now_ms)
    return recurrence


def _check_cron(recurrence: Recurrence, now_ms: int) -> None:
    from croniter import CroniterError

    text = recurrence.text
    if not text.startswith("@") and len(text.split()) != _FIELDS:
        raise ValueError(
            f"when is {shown(text)}: give five fields as in cron, minute hour day month weekday, or seconds"
        )
    try:
        recurrence.after(now_ms)
    except (CroniterError, ValueError, TypeError, KeyError) as error:
        raise ValueError(f"when is {shown(text)}, which names no moment ({error}): give a cron text") from None


def _zone(timezone: str | None) -> str:
    if timezone is None:
        return "UTC"
    with contextlib.suppress(ZoneInfoNotFoundError, ValueError, OSError):
        if isinstance(timezone, str):
            return ZoneInfo(timezone).key
    raise ValueError(f'timezone is {shown(timezone)}: give a name such as "Europe/Paris"')


def _plain(seconds: float) -> str:
    return str(int(seconds)) if seconds == int(seconds) else str(float(seconds))


def _hours_of(text: str) -> str:
    return "" if text.startswith("@") else text.split()[1]


def moment_text(moment_ms: int) -> str:
    """A moment as it stands in the ids of jobs, to the second."""
    return datetime.fromtimestamp(math.floor(moment_ms / 1000), UTC).strftime("%Y%m%dT%H%M%SZ")
