"""Looks at functions: several at one moment, each in its place, and entries with those whose they are."""

from __future__ import annotations

from collections.abc import Sequence

from handoff.doctor import places, stored
from handoff.doctor.look_nodes import TRIES, Restless, ask_of_timers
from handoff.doctor.places import Entry
from handoff.doctor.readable import readable
from handoff.doctor.slices import Slice
from handoff.doctor.violation import Violation
from handoff.ledger.fields import names_of
from handoff.ledger.keys import queue_name
from handoff.ledger.store import Store
from handoff.ledger.texts.demand import shapes_of
from handoff.ledger.texts.group_field import parked_line
from handoff.ledger.texts.list import read_list
from handoff.ledger.texts.reservation import EXTERNAL, reservation_of
from handoff.ledger.texts.run_id import number_of, run_of

FIELDS = names_of(
    (
        "status",
        "origin",
        "demand",
        "rank",
        "state",
        "since",
        "node",
        "placement",
        "run",
        "group",
        "reserved",
        "depends",
        "to_come",
    )
)

_GOES_BY = names_of(("demand", "node", "placement", "run", "group", "depends"))
"""What of a job says where else is to be looked."""

Jobs = dict[str, dict[str, str]]


def read_jobs(store: Store, ids: Sequence[str]) -> Jobs:
    """What jobs say of themselves, to look at them by."""
    slice = Slice(store)
    for id in ids:
        slice.fields("rq_job", id, FIELDS)
    return slice.read().jobs


def look_at_unique(store: Store, keys: Sequence[str]) -> list[Violation]:
    """Keys that users give, and who has them."""
    first = Slice(store)
    first.fields("unique", "", keys)
    known = first.read().get("unique")
    slice = Slice(store)
    slice.fields("unique", "", keys)
    for id in known.values():
        slice.fields("rq_job", id, names_of(("status", "unique")))
    picture = slice.read()
    is_same = [key for key in keys if picture.get("unique").get(key) == known.get(key)]
    return [violation for key in is_same for violation in places.check_unique(picture, key)]


def look_at_jobs(store: Store, known: Jobs) -> list[Violation]:
    """Some jobs, by what they have said a moment ago."""
    found: list[Violation] = []
    for _ in range(TRIES):
        slice = Slice(store)
        for id, job in known.items():
            ask_of_job(slice, store.namespace, id, job)
        picture = slice.read()
        is_same = {id: _key(picture.jobs.get(id, {})) == _key(job) for id, job in known.items()}
        found += (
            violation
            for id in known
            if is_same[id]
            for violation in readable(places.check_job(picture, id), ("job", id), job=id)
        )
        known = {id: picture.jobs[id] for id in known if not is_same[id] and id in picture.jobs}
        if not known:
            return found
    raise Restless(", ".join(known))


def _key(job: dict[str, str]) -> tuple[str | None, ...]:
    return tuple(job.get(field) for field in _GOES_BY)


def ask_of_job(slice: Slice, namespace: str, id: str, job: dict[str, str]) -> None:
    """Read all places in which a job may stand, by what it has said."""
    slice.fields("rq_job", id, FIELDS)
    slice.score("waiting", "", id)
    slice.score("delayed", "", id)
    slice.score("rq_deferred", namespace, id)
    if node := job.get(stored.NODE):
        reservation, queue = reservation_of(id, job.get(stored.PLACEMENT, "0")), queue_name(namespace, node)
        slice.fields("reservations", node, (reservation,))
        slice.score("running", node, reservation)
        slice.entry("rq_queue", queue, id)
    for other in read_list(job.get(stored.DEPENDS, "")):
        slice.score("dependents", other, id)
    if stored.RUN in job:
        run, number = run_of(id), str(number_of(id))
        slice.fields("run_missing", run, (number,))
        slice.member("run_active", run, number)
        if stored.GROUP in job:
            slice.entry("run_parked", parked_line(run, job[stored.GROUP]), number)
    if stored.DEMAND in job:
        ask_of_timers(slice, id, job[stored.DEMAND])
        for _, shape in shapes_of(job[stored.DEMAND]):
            slice.score("shape", shape, id)


_ENTRY_KEYS = {
    "queue": "rq_queue", "running": "running", "held": "reservations", "wip": "rq_wip", "executions": "rq_worker",
    "waiting": "waiting", "delayed": "delayed", "deferred": "rq_deferred", "line": "shape", "missing": "run_missing",
    "active": "run_active", "dependents": "dependents",
}  # fmt: skip


def _of(namespace: str, entry: Entry) -> str:
    match entry.place:
        case "queue" | "wip":
            return queue_name(namespace, entry.of)
        case "executions":
            return f"{queue_name(namespace, entry.of)}:executions"
        case "deferred":
            return namespace
        case _:
            return entry.of


def look_at_entries(store: Store, entries: Sequence[Entry]) -> list[Violation]:
    """Some entries, each with the job whose it is."""
    slice = Slice(store)
    for entry in entries:
        key, of = _ENTRY_KEYS[entry.place], _of(store.namespace, entry)
        match entry.place:
            case "queue":
                slice.entry(key, of, entry.member)
            case "held" | "missing":
                slice.fields(key, of, (entry.member,))
            case "executions" | "active":
                slice.member(key, of, entry.member)
            case _:
                slice.score(key, of, entry.member)
        if entry.place in ("wip", "executions"):
            slice.score("running", entry.of, entry.member)
        if entry.job_id:
            slice.fields("rq_job", entry.job_id, FIELDS)
        elif entry.member == EXTERNAL:
            slice.fields("node", entry.of, ("external", "state"))
        else:
            slice.fields("claims", "", (entry.member,))
    picture = slice.read()
    return [
        violation
        for entry in entries
        if entry.member in (picture.of(_ENTRY_KEYS[entry.place], _of(store.namespace, entry)) or ())
        for violation in readable(
            places.check_entry(picture, entry),
            ("entry", entry.place, entry.of, entry.member),
            job=entry.job_id,
            node=entry.of if entry.place in places.ON_NODES else "",
        )
    ]
