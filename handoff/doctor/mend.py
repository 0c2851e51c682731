"""Mending what is wrong: each repair is one script, which looks at what it mends once more before it writes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from handoff.doctor import keys
from handoff.doctor.again import look_again
from handoff.doctor.look_nodes import Restless
from handoff.doctor.violation import Violation
from handoff.ledger.asking import ScriptBug
from handoff.ledger.nodes import SHARED
from handoff.ledger.store import Store
from handoff.ledger.texts.group_field import run_of_parked
from handoff.ledger.texts.run_id import run_of_token

logger = logging.getLogger(__name__)

ROUNDS = 4
"""One repair may bring to light what another one hid."""

Repair = tuple[str, ...]
"""A script, and what it is given."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What came of a violation."""

    violation: Violation
    is_mended: bool


def mend(store: Store, violations: Iterable[Violation]) -> Iterator[Mended]:
    """Mend what can be mended, and say of each violation whether it is gone. Raises `StoreUnavailable`."""
    left = list(violations)
    for number in range(ROUNDS):
        for repair in dict.fromkeys(repair for violation in left for repair in repairs_of(violation)):
            try:
                _apply(store, repair)
            except ScriptBug as error:
                logger.warning("%s could not be mended: %s", repair, error)
        still = []
        for violation in left:
            if _is_there(store, violation):
                still.append(violation)
            else:
                yield Mended(violation, is_mended=True)
        left = still
        if not left or number == ROUNDS - 1:
            break
    yield from (Mended(violation, is_mended=False) for violation in left)


def _is_there(store: Store, violation: Violation) -> bool:
    try:
        return any(found.rule == violation.rule for found in look_again(store, violation.subject))
    except Restless:
        return True


def _apply(store: Store, repair: Repair) -> None:
    match repair:
        case ("mend_node", name):
            store.run("mend_node", name=name)
        case ("mend_job", id, *seen):
            store.run("mend_job", *seen, job_id=id)
        case ("mend_line", shape):
            store.run("mend_line", text=shape)
        case ("mend_schedule", name):
            store.run("mend_schedule", name=name)
        case ("mend_run", run):
            store.run("mend_run", run=run)
        case ("mend_stray", kind, of, member):
            store.run("mend_stray", kind=kind, of=of, member=member)


def repairs_of(violation: Violation) -> Iterator[Repair]:
    """What is done about it, in this order."""
    match violation.subject:
        case ("node", name):
            yield ("mend_node", name)
        case ("job", id):
            yield ("mend_job", id)
        case ("entry", place, of, member):
            yield from _of_entry(violation, place, of, member)
        case ("tokens", node, id):
            yield ("mend_stray", "tokens", node, id)
            yield ("mend_node", SHARED)
        case ("claim", id):
            yield ("mend_stray", "claim", violation.node, id)
        case ("bit", _, position) if not violation.node:
            yield ("mend_stray", "bit", position, "")
        case ("mark" | "member" as kind, of, member):
            yield ("mend_stray", kind, of, member)
        case ("bit", *_):
            yield ("mend_node", violation.node)
        case ("label" | "term" | "able" | "nearest" | "timer" | "unique" as kind, member):
            yield ("mend_stray", kind, "", member)
        case ("line", shape):
            yield ("mend_line", shape)
        case ("spots",):
            yield ("mend_line", "")
        case ("worker", node):
            yield ("mend_stray", "worker", node, "")
        case ("room", _, job, node):
            yield ("mend_node", node)
            yield ("mend_job", job)
        case ("run", run) | ("missing", run, _):
            yield ("mend_run", run)
        case ("schedule", name):
            yield ("mend_schedule", name)
        case ("token", name):
            yield ("mend_run", run_of_token(name))
        case ("group", node, each):
            yield ("mend_stray", "group", node, each)
        case ("key", key):
            yield from _of_key(key)


def _of_entry(violation: Violation, place: str, of: str, member: str) -> Iterator[Repair]:
    if violation.job:
        seen = (
            (place, of, member)
            if place in ("held", "running", "queue", "wip", "executions", "line", "dependents")
            else ()
        )
        yield ("mend_job", violation.job, *seen)
        if place == "line":
            yield ("mend_line", of)
    else:
        yield ("mend_stray", "reservation", of, member)


def _of_key(key: str) -> Iterator[Repair]:
    parts = keys.split(key)
    if parts is None:
        if key.startswith("scratch:"):
            yield ("mend_stray", "key", "scratch", key.removeprefix("scratch:"))
        return
    path, of = parts
    if path == "parked:":
        yield ("mend_stray", "parked", run_of_parked(of), of)
    elif path == "plane:":
        yield ("mend_stray", "plane", keys.index_of(of), of)
    else:
        yield ("mend_stray", "key", keys.known()[path], of)
