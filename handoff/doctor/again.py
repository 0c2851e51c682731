"""Looking once more at what a violation is about."""

from __future__ import annotations

from handoff.doctor.look_jobs import look_at_entries, look_at_jobs, look_at_unique, read_jobs
from handoff.doctor.look_lines import look_at_able, look_at_line, look_at_nearest, look_at_room, look_at_spots
from handoff.doctor.look_nodes import (
    look_at_bits,
    look_at_claims,
    look_at_common,
    look_at_count,
    look_at_mark,
    look_at_member,
    look_at_node,
    look_at_tokens,
)
from handoff.doctor.look_runs import (
    look_at_ends,
    look_at_group,
    look_at_key,
    look_at_missing,
    look_at_run,
    look_at_schedule,
    look_at_timer,
    look_at_token,
    look_at_worker,
)
from handoff.doctor.pages import plain
from handoff.doctor.places import Entry
from handoff.doctor.slices import text
from handoff.doctor.violation import Subject, Violation
from handoff.ledger.keys import queue_name
from handoff.ledger.nodes import SHARED
from handoff.ledger.store import Store


def look_again(store: Store, subject: Subject) -> list[Violation]:
    """What is wrong with it now. Raises `Restless` where it changes all the time."""
    match subject:
        case ("node", name):
            return look_at_common(store) if name == SHARED else look_at_node(store, name)[1]
        case ("job", id):
            return look_at_jobs(store, read_jobs(store, [id]))
        case ("entry", place, of, member):
            return look_at_entries(store, [Entry(place, of, member)])
        case ("tokens", node, id):
            return list(look_at_tokens(store, [(node, id)]))
        case ("claim", id):
            return list(look_at_claims(store, [id]))
        case ("unique", key):
            return look_at_unique(store, [key])
        case ("bit", key, position):
            kind, _, of = key.partition(":")
            return list(look_at_bits(store, "hold_bits" if kind == "withheld" else kind, of, [int(position)]))
        case ("mark", key, name):
            return list(look_at_mark(store, key, name))
        case ("member", of, name):
            return list(look_at_member(store, of, [name]))
        case ("label" | "term" as kind, name):
            return list(look_at_count(store, kind, name))
        case ("line", shape):
            return look_at_line(store, shape)
        case ("able", shape):
            return look_at_able(store, shape, {})
        case ("nearest", demand):
            return look_at_nearest(store, demand, {})
        case ("room", shape, job, node):
            return look_at_room(store, shape, job, node)
        case ("spots",):
            return list(look_at_spots(store))
        case _:
            return _look_at_the_rest(store, subject)


def _look_at_the_rest(store: Store, subject: Subject) -> list[Violation]:
    match subject:
        case ("run", run):
            total = text(plain(store, "HGET", store.keys("run", run), "total") or b"")
            ends = look_at_ends(store, run, int(total)) if total.isdecimal() else ()
            return [*look_at_run(store, run), *ends]
        case ("missing", run, number):
            return list(look_at_missing(store, run, [number]))
        case ("group", node, each):
            return list(look_at_group(store, node, each))
        case ("timer", timer):
            return list(look_at_timer(store, timer))
        case ("schedule", name):
            return list(look_at_schedule(store, name))
        case ("token", name):
            return list(look_at_token(store, name))
        case ("worker", node):
            return list(look_at_worker(store, queue_name(store.namespace, node), node))
        case ("key", key):
            return list(look_at_key(store, key))
        case _:
            raise ValueError(f"nobody looks at {subject}")
