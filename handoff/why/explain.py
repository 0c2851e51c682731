"""Why a function stands where it does: reads one script's answer, and what its run says of it; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handoff.errors import UnknownFunction, UnreadableField
from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.fields import FIELDS, names_of
from handoff.ledger.housekeeping import has_ticked
from handoff.ledger.members import Member, Standing, dependencies_of, read_chooser, read_members, read_standings
from handoff.ledger.others import read_others
from handoff.ledger.phrases import dependencies_in_words
from handoff.ledger.records import known_id
from handoff.ledger.states import ENDED, PARKED, TERMINAL
from handoff.ledger.store import Call
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.list import read_list
from handoff.ledger.texts.run_id import number_of, run_job_id
from handoff.why.explanation import Explanation
from handoff.why.holders import own_holder
from handoff.why.standing import (
    MOST_NAMED,
    behind_text,
    deferred_text,
    own_standing_text,
    parked_text,
    standing_text,
)
from handoff.why.waiting import explain_waiting, until

MOST_OPEN = 10
"""Dependencies that are listed one by one."""

MOST_FOLLOWED = 8
"""Dependencies of dependencies, and so on, that are gone through to the one that is no more deferred itself."""

_FOLLOWED = ("waiting", "delayed", "deferred", "queued", "started")
"""States of dependencies that have not ended, in front the one that is followed first."""

_FIELDS = (
    "status", "state", "function", "demand", "node", "devices", "attempts", "error", "message", "cancel", "evicted",
    "placement", "run", "group", "depends", "retries", "last_error", "last_message",
)  # fmt: skip

_EARLY = ("deferred", PARKED)
"""Where a function of a run stands that is not ready, or waits for another of its group."""


@Call
async def explain(ledger: Ledger, id: str) -> Explanation:
    """Look at one function. Raises `UnknownFunction`."""
    found = await _explain_once(ledger, id)
    if found.state not in ENDED and await has_ticked(ledger):
        return await _explain_once(ledger, id)
    return found


async def _explain_once(ledger: Ledger, id: str) -> Explanation:
    reply = await ledger.run("explain", *names_of(_FIELDS), job_id=known_id(id))
    match reply:
        case ["unknown"]:
            raise UnknownFunction(id)
        case ["stands", values, int(now_ms), bytes(record), bytes(kind), int(suspended), int(due_ms)]:
            job = StoredJob.of(_FIELDS, values)
            if job.text("run") and job.text("status") == "deferred" and job.text("state") in _EARLY:
                return await _not_ready(ledger, id, job, now_ms, record.decode())
            if job.state == "deferred":
                return await _depends(ledger, id, job, now_ms)
            return _standing(id, job, now_ms, record.decode(), kind.decode(), bool(suspended), due_ms)
        case ["waits", values, int(now_ms), *rest]:
            job = StoredJob.of(_FIELDS, values)
            try:
                return explain_waiting(id, job, now_ms, *rest)
            except ValueError:
                # The script has made its answer of what stands there, whatever that is.
                demand = job.text("demand")
                raise UnreadableField(FIELDS["demand"].name, demand, "a cost with constraints") from None
        case _:
            raise unlisted("explain", reply)


def _standing(
    id: str, job: StoredJob, now_ms: int, record: str, kind: str, suspended: bool, due_ms: int
) -> Explanation:
    waits_for = [until("time", due_ms, now_ms)] if job.state == "delayed" else []
    text = standing_text(job, kind, suspended, due_ms, now_ms)
    own_text = own_standing_text(job, due_ms, now_ms)
    return _explanation(id, job, now_ms, record, job.state, text, own_text, waits_for=waits_for)


async def _not_ready(ledger: Ledger, id: str, job: StoredJob, now_ms: int, record: str) -> Explanation:
    instance = job.text("run")
    # Of a run that expires at this moment nothing can be said but where the function stood.
    members = await read_members(ledger, instance) or []
    if job.text("state") == PARKED:
        chooser = await read_chooser(ledger, instance, job.text("group"))
        name = next((member.id for member in members if chooser and member.number == chooser), None)
        text = parked_text(name)
        return _explanation(id, job, now_ms, record, "waiting", text, text)
    taken = dependencies_of(members, number_of(id))
    standings = await read_standings(ledger, instance, taken)
    left = _open(taken, standings)
    dependencies: dict[str, Any] = {
        "of": len(taken),
        "ended": len(taken) - len(left),
        "open": [
            {
                "function_id": member.id,
                "id": run_job_id(instance, member.number),
                "state": standings[member.number].status,
                "node": standings[member.number].node,
            }
            for member in left[:MOST_OPEN]
        ],
        "behind": await _behind(ledger, instance, members, left, standings),
    }
    text = deferred_text(len(taken), [member.id for member in left], job.text("node") if record else "")
    own_text = deferred_text(len(taken), [member.id for member in left], "")
    if behind := dependencies["behind"]:
        text += f"; {behind_text(behind['way'], behind['text'])}"
    return _explanation(id, job, now_ms, record, "deferred", text, own_text, dependencies=dependencies)


async def _depends(ledger: Ledger, id: str, job: StoredJob, now_ms: int) -> Explanation:
    """Of one that depends on others outside of runs."""
    ids = read_list(job.text("depends"))
    left = await read_others(ledger, id, ids)
    dependencies: dict[str, Any] = {
        "of": len(ids),
        "ended": len(ids) - len(left),
        "open": [
            {"function_id": each.function_id, "id": each.id, "state": each.status, "node": each.node}
            for each in left[:MOST_OPEN]
        ],
        "behind": None,
    }
    text = own_text = deferred_text(len(ids), [], "")
    if left:
        text = dependencies_in_words(len(left), left[:MOST_NAMED])
        own_text = f"waits for its dependencies: {len(ids) - len(left)} of {len(ids)} have ended"
    return _explanation(id, job, now_ms, "", "deferred", text, own_text, dependencies=dependencies)


def _open(taken: Sequence[Member], standings: Mapping[int, Standing]) -> list[Member]:
    return [member for member in taken if standings[member.number].status not in (*TERMINAL, "gone")]


async def _behind(
    ledger: Ledger, instance: str, members: Sequence[Member], left: Sequence[Member], standings: Mapping[int, Standing]
) -> dict[str, Any] | None:
    """Follow what is deferred to a function of its run that waits for something else; None if that has just ended."""
    way: list[str] = []
    while left:
        member = min(left, key=lambda each: _FOLLOWED.index(standings[each.number].status))
        way.append(member.id)
        id = run_job_id(instance, member.number)
        if standings[member.number].status != "deferred":
            try:
                found = await explain(ledger, id)
            except UnknownFunction:
                return None
            return None if found.state in ENDED else {"way": way, "id": id, "state": found.state, "text": found.text}
        if len(way) == MOST_FOLLOWED:
            return {"way": way, "id": id, "state": "deferred", "text": "waits for its own dependencies"}
        taken = dependencies_of(members, member.number)
        standings = await read_standings(ledger, instance, taken)
        left = _open(taken, standings)
    return None


def _explanation(
    id: str,
    job: StoredJob,
    now_ms: int,
    record: str,
    state: str,
    text: str,
    own_text: str,
    *,
    waits_for: list[dict[str, Any]] | None = None,
    dependencies: dict[str, Any] | None = None,
) -> Explanation:
    """Of one that does not wait for room."""
    return Explanation(
        id=id,
        function_id=job.text("function") or id,
        state=state,
        position=None,
        short=[],
        holders=[own_holder(id, job, record, now_ms)] if record else [],
        smallest_change=None,
        overtakes=None,
        holds=[],
        waits_for=waits_for or [],
        dependencies=dependencies,
        text=text,
        own_text=own_text,
    )
