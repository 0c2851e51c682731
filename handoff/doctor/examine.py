"""An examination of a live server: everything is looked at once, a little at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from handoff.doctor.again import look_again
from handoff.doctor.look_nodes import Restless
from handoff.doctor.violation import Subject, Violation
from handoff.doctor.walk import Walk
from handoff.doctor.walk_jobs import walk_entries, walk_jobs
from handoff.doctor.walk_lines import walk_lines, walk_room
from handoff.doctor.walk_nodes import walk_common, walk_index, walk_nodes
from handoff.doctor.walk_rest import walk_keys, walk_runs, walk_schedules, walk_timers, walk_unique
from handoff.ledger.store import Store

logger = logging.getLogger(__name__)

PATIENCE_S = 15.0
"""For so long what rq's tools leave behind may stay, which housekeeping takes up: an agent's at its next heartbeat."""

LOOK_AGAIN_S = 0.5

Waiting = dict[tuple[Subject, str], Violation]

WALKS = (
    walk_nodes,
    walk_index,
    walk_common,
    walk_runs,
    walk_lines,
    walk_jobs,
    walk_entries,
    walk_timers,
    walk_unique,
    walk_schedules,
    walk_keys,
    walk_room,
)


def examine(
    store: Store,
    *,
    patience_s: float = PATIENCE_S,
    on_step: Callable[[str], None] = lambda what: None,
) -> Iterator[Violation]:
    """Find whatever of a namespace's books is not as it has to be, on a live server under load.

    Each look reads some keys in one script of about a millisecond, so what it tells was so at one moment. What rq's
    tools leave behind is told where it is still there after `patience_s`, in seconds. `on_step` is called with what is
    being looked at, some hundred times a second. Raises `StoreUnavailable`.
    """
    walk = Walk(store, on_step)
    told: set[tuple[Subject, str]] = set()
    begun_s = time.monotonic()
    waiting: Waiting = {}
    for go_over in WALKS:
        for violation in go_over(walk):
            key = violation.subject, violation.text
            if violation.passing and patience_s > 0:
                waiting[key] = violation
            elif key not in told:
                told.add(key)
                yield violation
    yield from _look_at_restless(store, walk.restless, told)
    yield from _staying(store, waiting, begun_s + patience_s, on_step)


def _staying(store: Store, waiting: Waiting, until_s: float, on_step: Callable[[str], None]) -> Iterator[Violation]:
    """Of what may pass by itself what does not, until then."""
    until_s = max(until_s, time.monotonic() + LOOK_AGAIN_S) if waiting else until_s
    while waiting:
        on_step("what rq's tools may have left")
        is_last = time.monotonic() >= until_s
        now = {subject: {each.text: each for each in _once_more(store, subject)} for subject, _ in waiting}
        waiting = {(subject, text): now[subject][text] for subject, text in waiting if text in now[subject]}
        if is_last:
            yield from waiting.values()
            return
        if waiting:
            time.sleep(LOOK_AGAIN_S)


def _once_more(store: Store, subject: Subject) -> list[Violation]:
    try:
        return look_again(store, subject)
    except Restless:
        logger.warning("%s changes all the time and was not looked at: look again when it is less busy", subject)
        return []


def _look_at_restless(store: Store, subjects: list[Subject], told: set[tuple[Subject, str]]) -> Iterator[Violation]:
    for subject in dict.fromkeys(subjects):
        yield from (found for found in _once_more(store, subject) if (found.subject, found.text) not in told)
