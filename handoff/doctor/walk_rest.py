"""Going over runs, timers, what recurs, and all keys: each is of something that is there."""

from __future__ import annotations

from collections.abc import Iterator

from handoff.doctor import keys
from handoff.doctor.look_jobs import look_at_entries, look_at_unique
from handoff.doctor.look_lines import look_at_line
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
from handoff.doctor.pages import keys_like, members_of, pairs_of, plain, some
from handoff.doctor.places import Entry
from handoff.doctor.runs import GOING_ON
from handoff.doctor.slices import UNLIMITED, text
from handoff.doctor.walk import Found, Walk
from handoff.ledger.keys import is_queue_of, node_of_queue, prefix
from handoff.ledger.nodes import SHARED
from handoff.ledger.texts.group_field import run_of_parked
from handoff.ledger.texts.node_field import read_node_field
from handoff.ledger.texts.run_id import run_of_token
from handoff.ledger.texts.timer import read_timer

MISSING_TOGETHER = 32

TYPES_TOGETHER = 256

OF_JOBS = ("after", "expire", "unfit")
"""Timers of functions, of which there may be one for each."""


_ENTRIES = {"shape:": "line", "dependents:": "dependents"}
"""Keys whose members stand there, by the place that this is."""


def walk_runs(walk: Walk) -> Found:
    """Each run's own books, and what limits it."""
    store = walk.store
    for raw, _ in pairs_of(store, "ZSCAN", store.keys("runs")):
        run = text(raw)
        walk.on_step("runs")
        state, total = plain(store, "HMGET", store.keys("run", run), "state", "total") or (None, None)
        walk.runs[run] = text(state or b"")
        yield from look_at_run(store, run)
        if walk.runs[run] in GOING_ON and total is not None and total.isdigit():
            yield from look_at_ends(store, run, int(total))
            numbers = (text(each) for each, _ in pairs_of(store, "HSCAN", store.keys("run_missing", run)))
            for few in some(numbers, MISSING_TOGETHER):
                yield from look_at_missing(store, run, few)
    for raw in plain(store, "HKEYS", store.keys("node", SHARED)) or ():
        kind, name = read_node_field(text(raw))
        if kind == "cap" and run_of_token(name):
            yield from look_at_token(store, name)
    for node in walk.nodes:
        for raw in members_of(store, store.keys("groups_on", node)):
            yield from look_at_group(store, node, text(raw))


def walk_unique(walk: Walk) -> Found:
    """Keys that users give."""
    store = walk.store
    keys_given = (text(key) for key, _ in pairs_of(store, "HSCAN", store.keys("unique")))
    for few in some(keys_given, MISSING_TOGETHER):
        walk.on_step("unique keys")
        yield from look_at_unique(store, few)


def walk_timers(walk: Walk) -> Found:
    """What becomes due; of functions those that are remembered to be past it."""
    store = walk.store
    for key in ("timers", "renewed"):
        for raw, _ in pairs_of(store, "ZSCAN", store.keys(key)):
            timer = text(raw)
            kind, name, _ = read_timer(timer)
            if kind not in OF_JOBS or walk.jobs.get(name, {}).get("status") == "started":
                yield from look_at_timer(store, timer)


def walk_schedules(walk: Walk) -> Found:
    """What recurs, and is to be found by ticks."""
    store = walk.store
    for raw, _ in pairs_of(store, "ZSCAN", store.keys("schedules")):
        walk.on_step("what recurs")
        walk.schedules.add(text(raw))
        yield from look_at_schedule(store, text(raw))


def walk_keys(walk: Walk) -> Found:
    """Every key of the namespace is one of the schema, and what it is of is there."""
    store = walk.store
    own = prefix(store.namespace)
    for key, kind, is_lasting in _typed_keys(walk):
        raw = own + key
        walk.on_step("keys")
        if (wrong := keys.check_type(key, kind)) is not None:
            yield wrong
            continue
        parts = keys.split(key)
        if is_lasting or _is_strange(walk, key):
            yield from look_at_key(store, key)
            if parts is not None and parts[0] in _ENTRIES:
                place, of = _ENTRIES[parts[0]], parts[1]
                members = (Entry(place, of, text(id)) for id, _ in pairs_of(store, "ZSCAN", raw))
                for entries in some(members, MISSING_TOGETHER):
                    yield from look_at_entries(store, entries)
        if parts is not None and parts[0] == "run:" and parts[1] not in walk.runs:
            # One that no list names, or that has come since.
            yield from look_at_run(store, parts[1])
        if parts is not None and parts[0] == "schedule:" and parts[1] not in walk.schedules:
            yield from look_at_schedule(store, parts[1])
        if parts is not None and parts[0] in ("heads:", "need:"):
            for member, _ in pairs_of(store, "ZSCAN", raw):
                if text(member) not in walk.lines:
                    walk.lines.add(text(member))
                    yield from look_at_line(store, text(member))
    yield from _walk_workers(walk)


def _typed_keys(walk: Walk) -> Iterator[tuple[str, str, bool]]:
    """Every own key, of which type it is, and whether it has to expire and does not."""
    own = prefix(walk.store.namespace)
    for names in some(keys_like(walk.store, f"{own}*"), TYPES_TOGETHER):
        types = walk.store.read_each([("TYPE", name) for name in names])
        expiring = [name for name in names if keys.has_to_expire(text(name).removeprefix(own))]
        left_ms = walk.store.read_each([("PTTL", name) for name in expiring]) if expiring else []
        lasting = {name for name, left in zip(expiring, left_ms, strict=True) if left == UNLIMITED}
        for name, kind in zip(names, types, strict=True):
            yield text(name).removeprefix(own), text(kind), name in lasting


def _is_strange(walk: Walk, key: str) -> bool:
    parts = keys.split(key)
    if parts is None:
        return True
    path, of = parts
    match path.removesuffix(":"):
        case "node" | "held" | "running" | "grouped":
            return of not in walk.nodes and of != SHARED
        case "shape":
            return of not in walk.lines
        case "live" | "open" | "planes" | "withheld":
            return not walk.nodes
        case "parked":
            return walk.runs.get(run_of_parked(of)) not in GOING_ON
        case "missing" | "active":
            return walk.runs.get(of) not in GOING_ON
        case "groups" | "next" | "graph" | "end":
            return of not in walk.runs
        case "plane":
            bit = of.rpartition(":")[2]
            return not bit.isdecimal() or int(bit) >= walk.planes.get(keys.index_of(of), 0)
        case "class" | "alike":
            return of not in walk.classes
        case "label":
            return of not in walk.labels
        case "spot" | "spots" | "term" | "terms" | "spot_planes" | "run_of" | "dependents" | "learned" | "took":
            return True
        case _:
            return False


def _walk_workers(walk: Walk) -> Found:
    for queue in _workers(walk):
        if node_of_queue(queue) not in walk.nodes or walk.nodes[node_of_queue(queue)].node.kind != "leased":
            yield from look_at_worker(walk.store, queue, node_of_queue(queue))


def _workers(walk: Walk) -> Iterator[str]:
    store = walk.store
    worker = store.keys("rq_worker")
    for raw in members_of(store, store.keys("rq_workers")):
        queue = text(raw).removeprefix(worker)
        if is_queue_of(store.namespace, queue):
            yield queue
