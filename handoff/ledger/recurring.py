"""What recurs, as it is kept, and how it is submitted at its moments by whoever ticks."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast
from zoneinfo import ZoneInfoNotFoundError

import msgpack

from handoff.ledger.asking import Ledger, ScriptBug, unlisted
from handoff.ledger.clock import now_of
from handoff.ledger.rqmodel import now_text
from handoff.ledger.store import Call
from handoff.words.ids import new_id
from handoff.words.recurring import CatchUp, Overlap, Recurrence, moment_text
from handoff.words.times import utc

logger = logging.getLogger(__name__)

BENT = (KeyError, ValueError, TypeError)
"""What reading one raises that somebody has written over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What recurs, as it stands now; times are aware, in UTC."""

    name: str
    code: str  #: `package.module.name`
    when: str  #: a cron text, or the seconds between two moments
    timezone: str  #: by which a cron text is read
    next: datetime | None  #: the next moment; None while it is paused
    last: datetime | None  #: the moment of the last run; None before the first
    last_id: str | None  #: the id of that run's job, for `cluster.handle`
    runs: int  #: how often it was submitted
    skipped: int  #: how often not, for the one before had not ended, or its moment was missed
    missed: int  #: moments that passed while nobody was there
    catch_up: CatchUp
    overlap: Overlap
    paused: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """The same as it is kept, with what is submitted."""

    schedule: Schedule
    version: str
    recurrence: Recurrence
    due: str  #: ms
    call: bytes


Run = Callable[..., Awaitable[list[Any]]]


@Call
async def fire_due(ledger: Ledger, names: Sequence[bytes], run: Run) -> None:
    """Submit what a tick has found due; `run` asks for an operation."""
    now_ms = await now_of(ledger) if names else 0
    for each in names:
        name = each.decode()
        try:
            await _fire_due(ledger, name, now_ms, run)
        except (*BENT, ScriptBug):
            # Somebody has bent it: it is not to keep others from their moments, nor the tick from what is due.
            logger.exception(
                "what recurs as %s cannot be read, and is paused: call cluster.every anew, and resume it", name
            )
            await run("pause_schedule", name=name, paused=1, due=0)


async def _fire_due(ledger: Ledger, name: str, now_ms: int, run: Run) -> None:
    stored = await find(ledger, name)
    if stored is None or stored.schedule.paused or int(stored.due) > now_ms:
        return
    try:
        passed = stored.recurrence.passed(int(stored.due), now_ms)
    except ZoneInfoNotFoundError:
        # Hosts know different zones: it stays due, for one that knows this one.
        _tell_of_zone(stored.recurrence.zone)
        return
    await fire(
        run,
        stored,
        f"{name}-{moment_text(passed.latest_ms)}",
        passed.latest_ms,
        due=stored.due,
        upcoming=passed.next_ms,
        passed=passed.count,
        is_run=passed.is_run(stored.schedule.catch_up, now_ms),
    )


@cache
def _tell_of_zone(zone: str) -> None:
    logger.warning(
        "this host knows no time zone %s: what recurs by that is left to others; install tzdata, or update it", zone
    )


@Call
async def find(ledger: Ledger, name: str) -> Stored | None:
    """Look at one; None where nothing recurs under that name."""
    found = await ledger.read("HGETALL", ledger.keys("schedule", name))
    return read_stored(name, found) if found else None


async def fire(
    run: Run, stored: Stored, job_id: str, moment_ms: int, *, due: str, upcoming: int, passed: int, is_run: bool
) -> list[Any]:
    demand, options, priority, delay_ms, fields = msgpack.unpackb(stored.call, raw=False)
    reply = await run(
        "fire",
        "created_at",
        now_text(),
        *fields,
        name=stored.schedule.name,
        version=stored.version,
        due=due,
        upcoming=upcoming,
        passed=passed,
        is_run=int(is_run),
        job_id=job_id,
        moment=moment_ms,
        token=new_id(),
        demand=demand,
        options=options,
        priority=priority,
        delay_ms=delay_ms,
    )
    if reply[0] not in ("fired", "skipped", "stale"):
        raise unlisted("fire", reply)
    return reply


def read_stored(name: str, found: Mapping[bytes, bytes]) -> Stored:
    """Read one. Raises `BENT`."""
    text = {field.decode(): value.decode() for field, value in found.items() if field != b"call"}
    recurrence = Recurrence(text["when"], text["zone"], int(text["since"]))
    if recurrence.seconds is not None and not recurrence.seconds > 0:
        raise ValueError(f"it recurs every {recurrence.seconds} s")
    paused, moment = "paused" in text, text.get("moment")
    runs, skipped = int(text.get("runs", 0)), int(text.get("skipped", 0))
    schedule = Schedule(
        name=name,
        code=text["code"],
        when=text["when"],
        timezone=text["zone"],
        next=None if paused else utc(int(text["due"])),
        last=None if moment is None else utc(int(moment)),
        last_id=text.get("last"),
        runs=runs,
        skipped=skipped,
        missed=max(0, int(text.get("passed", 0)) - runs - skipped),
        catch_up=cast(CatchUp, text["catch_up"]),
        overlap=cast(Overlap, text["overlap"]),
        paused=paused,
    )
    return Stored(schedule, text["version"], recurrence, text["due"], found[b"call"])
