"""Looks at runs of graphs, at timers, at what recurs, and at keys that may be left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handoff.doctor import keys, runs, schedules, stored
from handoff.doctor.learned import LEARNED
from handoff.doctor.pages import plain
from handoff.doctor.picture import Picture
from handoff.doctor.readable import readable
from handoff.doctor.slices import Slice, text
from handoff.doctor.violation import Violation
from handoff.ledger.keys import DEPENDENCIES, SCHEMA
from handoff.ledger.nodes import SHARED
from handoff.ledger.store import Store
from handoff.ledger.texts.group_field import node_field, read_on_node, run_of_parked
from handoff.ledger.texts.node_field import write_node_field
from handoff.ledger.texts.run_id import run_job_id, run_of_token, run_token
from handoff.ledger.texts.timer import read_timer, write_timer

MOST_LEFT = 256
"""Where more is left over than that, work is under way, and counts are looked at later."""

MOST_FUNCTIONS = 1000
"""Of a larger run it is not looked at how its functions ended, of which all would have to be read at once."""


def _busy(picture: Picture) -> bool:
    return len(picture.get("unfolding")) >= MOST_LEFT


def look_at_run(store: Store, run: str) -> Iterator[Violation]:
    """What a run says of itself, and how many of it have not ended."""
    slice = Slice(store)
    slice.hash("run", run)
    slice.score("runs", "", run)
    for key in ("run_missing", "run_active", "run_groups", "run_next"):
        slice.size(key, run)
    slice.score("renewed", "", write_timer("load", run))
    slice.fields("node", SHARED, (write_node_field("cap", run_token(run)),))
    slice.scored("leftovers", most=MOST_LEFT)
    picture = slice.read()
    if picture.get(f"run:{run}") and not _busy(picture):
        yield from readable(runs.check_run(picture, run), ("run", run))


def look_at_ends(store: Store, run: str, total: int) -> Iterator[Violation]:
    """How the functions of a run have ended, and what it has counted."""
    if total > MOST_FUNCTIONS:
        return
    slice = Slice(store)
    slice.hash("run", run)
    slice.hash("run_missing", run)
    slice.members("run_active", run)
    known = slice.read()
    slice = Slice(store)
    slice.hash("run", run)
    slice.hash("run_missing", run)
    slice.members("run_active", run)
    members = known.get(f"missing:{run}").keys() | set(known.own.get(f"active:{run}", ()))
    for number in range(1, total + 1):
        if str(number) not in members:
            slice.fields("rq_job", run_job_id(run, number), ("status",))
            slice.size("rq_results", run_job_id(run, number))
    picture = slice.read()
    if picture.get(f"run:{run}").get("state") in runs.GOING_ON:
        yield from readable(runs.check_ends(picture, run), ("run", run))


def look_at_missing(store: Store, run: str, numbers: Sequence[str]) -> Iterator[Violation]:
    """How many dependencies are to come of functions that wait for them."""
    known: dict[str, set[str]] = {}
    slice = Slice(store)
    for number in numbers:
        slice.members("rq_dependencies", _dependencies(run, number))
    first = slice.read()
    for number in numbers:
        known[number] = set(first.rq.get(f"job::{_dependencies(run, number)}", ()))
    # Of one with thousands the counts are many reads: a few functions at a time.
    while numbers:
        slice, left = Slice(store), 500
        some: list[str] = []
        slice.fields("run", run, ("state",))
        slice.scored("leftovers", most=MOST_LEFT)
        while numbers and (left > 0 or not some):
            number, *numbers = numbers
            some.append(number)
            left -= 1 + len(known[number])
            slice.fields("run_missing", run, (number,))
            slice.members("rq_dependencies", _dependencies(run, number))
            for id in known[number]:
                slice.fields("rq_job", id, ("status",))
        picture = slice.read()
        for number in some:
            if not _busy(picture) and set(picture.rq.get(f"job::{_dependencies(run, number)}", ())) == known[number]:
                yield from readable(runs.check_missing(picture, run, number), ("missing", run, number))


def _dependencies(run: str, number: str) -> str:
    return f"{run_job_id(run, int(number))}{DEPENDENCIES}"


def look_at_group(store: Store, node: str, each: str) -> Iterator[Violation]:
    """A group that is said to have chosen a node."""
    run, group = read_on_node(each)
    slice = Slice(store)
    slice.member("groups_on", node, each)
    slice.fields("run_groups", run, (node_field(group),))
    slice.scored("leftovers", most=MOST_LEFT)
    picture = slice.read()
    if each in picture.own.get(f"grouped:{node}", ()) and not _busy(picture):
        yield from runs.check_group(picture, node, each)


def look_at_timer(store: Store, timer: str) -> Iterator[Violation]:
    """Something that is to become due."""
    _, name, _ = read_timer(timer)
    slice = Slice(store)
    slice.score("timers", "", timer)
    slice.score("renewed", "", timer)
    slice.fields("run", name, ("state",))
    slice.fields("node", name, ("draining",))
    slice.fields("rq_job", name, ("status", stored.OPTIONS))
    slice.scored("leftovers", most=MOST_LEFT)
    picture = slice.read()
    is_there = timer in picture.get("timers") or timer in picture.get("renewed")
    if is_there and not _busy(picture):
        yield from runs.check_timer(picture, timer)


def look_at_schedule(store: Store, name: str) -> Iterator[Violation]:
    """What recurs under one name."""
    slice = Slice(store)
    slice.hash("schedule", name)
    slice.score("schedules", "", name)
    yield from schedules.check_schedule(slice.read(), name)


def look_at_token(store: Store, name: str) -> Iterator[Violation]:
    """The limit of a run among what all share."""
    slice = Slice(store)
    slice.fields("node", SHARED, (write_node_field("cap", name),))
    slice.fields("run", run_of_token(name), ("state",))
    slice.scored("leftovers", most=MOST_LEFT)
    picture = slice.read()
    if write_node_field("cap", name) in picture.get(f"node:{SHARED}") and not _busy(picture):
        yield from runs.check_token(picture, name)


def look_at_key(store: Store, key: str) -> Iterator[Violation]:
    """One key, and whether what it is of is there."""
    parts = keys.split(key)
    if parts is None:
        if store.read("EXISTS", f"{store.keys('nodes')[: -len('nodes')]}{key}".encode("latin-1")):
            yield from keys.check_key(Picture(store.namespace, {}, {}), key)
        return
    path, of = parts
    name = keys.known()[path]
    kind = text(store.read("TYPE", store.keys(name, of).encode("latin-1")))
    if (wrong := keys.check_type(key, kind)) is not None:
        yield wrong
        return
    slice = Slice(store)
    slice.exists(name, of)
    run = run_of_parked(of) if name == "run_parked" else of
    if name == "run_of":
        known = plain(store, "GET", store.keys(name, of).encode("latin-1"))
        run = text(known or b"")
        slice.string(name, of)
    if keys.has_to_expire(key):
        slice.expiry(name, of)
    if name in LEARNED and of:
        slice.hash(name, of)
    slice.scored("nodes", most=1)
    slice.score("nodes", "", of)
    slice.fields("run", run, ("state",))
    slice.exists("shape_bits", "")
    slice.score("classes", "", of)
    slice.score("shapes", "", of)
    slice.fields("labels", "", (of,))
    slice.fields("shape_terms", "", (of,))
    slice.fields("planes", "", (keys.index_of(of),))
    slice.score("awaited", "", of)
    slice.score("watched", "", of)
    slice.scored("leftovers", most=MOST_LEFT)
    picture = slice.read()
    found = picture.own.get(SCHEMA[name].path + of)
    if found and not _busy(picture) and (name != "run_of" or text(found) == run):
        yield from readable(keys.check_key(picture, key), ("key", key))


def look_at_worker(store: Store, queue: str, node: str) -> Iterator[Violation]:
    """RQ's worker of a node."""
    slice = Slice(store)
    slice.exists("rq_worker", queue)
    slice.fields("node", node, ("kind",))
    picture = slice.read()
    if picture.of("rq_worker", queue):
        yield from keys.check_worker(picture, queue, node)
