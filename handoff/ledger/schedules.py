"""What recurs: kept in Redis, and submitted at its moments by whoever ticks."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import cast

import msgpack

from handoff.errors import HandoffError, InvalidFunction, shown
from handoff.ledger.asking import Ledger
from handoff.ledger.clock import now_of
from handoff.ledger.jobs import Job
from handoff.ledger.recurring import BENT, Schedule, Stored, find, fire, read_stored
from handoff.ledger.store import Call
from handoff.words.ids import new_id
from handoff.words.recurring import CatchUp, Overlap, Recurrence, moment_text

MOST_LISTED = 10_000

LONGEST_NAME = 64


class UnknownSchedule(HandoffError):
    """Nothing recurs under this name; `near` is one that is spelt alike, or ''."""

    def __init__(self, name: str, near: str = "") -> None:
        super().__init__(name, near)
        self.name, self.near = name, near

    def __str__(self) -> str:
        meant = f"did you mean {shown(self.near)}? " if self.near else ""
        return f"nothing recurs under the name {shown(self.name)}: {meant}cluster.schedules() lists what does"


def check_schedule_name(name: object) -> str:
    """Return the name if something may recur under it. Raises `InvalidFunction`."""
    if not isinstance(name, str) or not name.replace("_", "a").replace("-", "a").isalnum() or not name.isascii():
        raise InvalidFunction("every", f"its name is {shown(name)}", "give ASCII letters, digits, _ and -")
    if len(name) > LONGEST_NAME:
        raise InvalidFunction("every", f"its name has {len(name)} characters", f"give at most {LONGEST_NAME}")
    return name


@Call
async def keep(
    ledger: Ledger,
    name: str,
    recurrence: Recurrence,
    due_ms: int,
    job: Job,
    code: str,
    catch_up: CatchUp,
    overlap: Overlap,
) -> Schedule:
    """Keep what recurs, in place of what recurred under this name before. -> as it stands"""
    await ledger.run(
        "every",
        name=name,
        version=new_id(),
        when=recurrence.text,
        zone=recurrence.zone,
        since=recurrence.since_ms,
        due=due_ms,
        catch_up=catch_up,
        overlap=overlap,
        code=code,
        call=_write_call(job),
    )
    return (await _known(ledger, name)).schedule


@Call
async def list_schedules(ledger: Ledger) -> list[Schedule]:
    """All that can be read, what is due next first."""
    return [schedule for _, schedule in await look_at_schedules(ledger) if schedule is not None]


@Call
async def look_at_schedules(
    ledger: Ledger, first: int = 0, most: int = MOST_LISTED
) -> list[tuple[str, Schedule | None]]:
    """Names with what recurs so, what is due next first, from a place on; None of what somebody has bent."""
    names = await _names(ledger, first, most)
    hashes = await ledger.read_each([("HGETALL", ledger.keys("schedule", name)) for name in names])
    return [(name, _readable(name, found)) for name, found in zip(names, hashes, strict=True) if found]


@Call
async def pause(ledger: Ledger, name: str) -> Schedule:
    """Let it rest until it is resumed. -> as it stands. Raises `UnknownSchedule`."""
    if await ledger.run("pause_schedule", name=check_schedule_name(name), paused=1, due=0) == ["unknown"]:
        raise await _unknown(ledger, name)
    return (await _known(ledger, name)).schedule


@Call
async def resume(ledger: Ledger, name: str) -> Schedule:
    """Let it go on at its next moment; those that passed meanwhile are not caught up. Raises `UnknownSchedule`."""
    stored = await _known(ledger, name)
    due_ms = stored.recurrence.after(await now_of(ledger))
    if await ledger.run("pause_schedule", name=name, paused=0, due=due_ms) == ["unknown"]:
        raise await _unknown(ledger, name)
    return (await _known(ledger, name)).schedule


@Call
async def remove(ledger: Ledger, name: str) -> None:
    """Forget it; what it has submitted goes on. Raises `UnknownSchedule`."""
    if await ledger.run("remove_schedule", name=check_schedule_name(name), token=new_id()) == ["unknown"]:
        raise await _unknown(ledger, name)


@Call
async def run_now(ledger: Ledger, name: str) -> str:
    """Submit it now, beside its moments and whatever runs of it. -> the id of the job. Raises `UnknownSchedule`."""
    check_schedule_name(name)
    now_ms = await now_of(ledger)
    id = f"{name}-{moment_text(now_ms)}-{new_id()[:8]}"
    while True:
        stored = await _known(ledger, name)
        reply = await fire(ledger.run, stored, id, now_ms, due="", upcoming=0, passed=0, is_run=True)
        # Stale: something else recurs under that name since it was read, or nothing does.
        if reply != ["stale"]:
            return id


def _write_call(job: Job) -> bytes:
    fields = [part for field in job.own.items() for part in field] + list(job.kind.fields)
    call = (job.kind.demand, job.kind.options, job.kind.priority, job.kind.delay_ms, fields)
    return cast(bytes, msgpack.packb(call))


def _readable(name: str, found: Mapping[bytes, bytes]) -> Schedule | None:
    try:
        return read_stored(name, found).schedule
    except BENT:
        return None


async def _names(ledger: Ledger, first: int = 0, most: int = MOST_LISTED) -> list[str]:
    found = await ledger.read("ZRANGE", ledger.keys("schedules"), first, first + most - 1)
    return [name.decode(errors="replace") for name in found]


async def _known(ledger: Ledger, name: str) -> Stored:
    stored = await find(ledger, check_schedule_name(name))
    if stored is None:
        raise await _unknown(ledger, name)
    return stored


async def _unknown(ledger: Ledger, name: str) -> UnknownSchedule:
    near = difflib.get_close_matches(name, await _names(ledger), n=1)
    return UnknownSchedule(name, *near)
