"""All that is checked, over a picture of everything: what tests and the live examination share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handoff.doctor import books, index, keys, lines, places, room, runs, schedules
from handoff.doctor.picture import UNREADABLE, Picture, below
from handoff.doctor.places import Entry
from handoff.doctor.readable import readable
from handoff.doctor.violation import Violation
from handoff.ledger.keys import queue_name
from handoff.ledger.nodes import SHARED, Node
from handoff.ledger.texts.reservation import Held


def check_node(picture: Picture, name: str) -> Iterator[Violation]:
    """All of one node but for who stands there."""
    fields = picture.own.get(f"node:{name}")
    if not fields:
        yield Violation("keys", ("node", name), "its hash is gone", node=name)
        return
    try:
        node, held = picture.node(name), picture.held.get(name, {})
    except UNREADABLE as error:
        yield Violation("amounts", ("node", name), f"its books cannot be read ({error})", node=name)
        return
    yield from readable(_check_known(picture, node, held), ("node", name), node=name)


def _check_known(picture: Picture, node: Node, held: Mapping[str, Held]) -> Iterator[Violation]:
    name = node.name
    yield from books.check_amounts(picture, node, held)
    yield from index.check_state(picture, name)
    yield from index.check_bits(picture, node)
    yield from index.check_labels(picture, node)
    yield from index.check_class(picture, node)
    yield from lines.check_hold(picture, name)


def check_common(picture: Picture) -> Iterator[Violation]:
    """What all nodes share."""
    try:
        yield from books.check_shared(picture)
    except UNREADABLE as error:
        yield Violation("amounts", ("node", SHARED), f"what all nodes share cannot be read ({error})", node=SHARED)
    yield from readable(lines.check_hold(picture, SHARED), ("node", SHARED), node=SHARED)


def entries(picture: Picture) -> Iterator[Entry]:
    """All that stands anywhere."""
    for node in [*picture.nodes, *(name for name, _ in below(picture.own, "held") if name not in picture.nodes)]:
        queue = queue_name(picture.namespace, node)
        for place, members in {
            "queue": picture.queue(node),
            "running": picture.get(f"running:{node}"),
            "held": picture.get(f"held:{node}") if node != SHARED else (),
            "wip": picture.rq.get(f"wip:{queue}", ()),
            "executions": picture.rq.get(f"worker:{queue}:executions", ()),
        }.items():
            yield from (Entry(place, node, member) for member in members)
    for place in ("waiting", "delayed"):
        yield from (Entry(place, "", id) for id in picture.get(place))
    yield from (Entry("deferred", "", id) for id in picture.rq.get(f"deferred:{picture.namespace}", {}))
    for shape, line in picture.lines.items():
        yield from (Entry("line", shape, id) for id in line)
    for of, waiting in below(picture.own, "dependents"):
        yield from (Entry("dependents", of, id) for id in waiting)
    for place in ("missing", "active"):
        for run, numbers in below(picture.own, place):
            yield from (Entry(place, run, number) for number in numbers)


def check_all(picture: Picture) -> Iterator[Violation]:
    """Every violation there is."""
    for name in picture.nodes:
        yield from check_node(picture, name)
    yield from check_common(picture)
    yield from index.check_marks(picture)
    yield from _check_bitmaps(picture)
    for id in picture.jobs:
        yield from places.check_job(picture, id)
    for entry in entries(picture):
        yield from places.check_entry(picture, entry)
    yield from _check_reservations(picture)
    yield from _check_lines(picture)
    yield from _check_runs(picture)
    for key in picture.get("unique"):
        yield from places.check_unique(picture, key)
    for name in {**picture.get("schedules"), **dict(below(picture.own, "schedule"))}:
        yield from schedules.check_schedule(picture, name)
    for key in [*picture.own]:
        yield from keys.check_key(picture, key)
    for queue, _ in below(picture.rq, "worker"):
        name = queue.removesuffix(":executions")
        yield from keys.check_worker(picture, name, name.removeprefix(queue_name(picture.namespace, "x")[:-1]))
    yield from _check_conservation(picture)


def _check_bitmaps(picture: Picture) -> Iterator[Violation]:
    for key in picture.own:
        if key in index.BITMAPS or key.partition(":")[0] in ("plane", "label", "alike"):
            for position in picture.bits(key):
                yield from index.check_bit(picture, key, position)
    for of, members in below(picture.own, "class"):
        for name in members:
            yield from index.check_member(picture, of, name)
    for kind in ("label", "term"):
        for name in picture.get(f"{kind}s"):
            yield from lines.check_count(picture, kind, name)


def _check_reservations(picture: Picture) -> Iterator[Violation]:
    for id in {**picture.get("claims"), **picture.get("claim_ends"), **picture.get("claim_owners")}:
        yield from places.check_claim(picture, id)
    seen = set()
    for node, records in picture.held.items():
        for id, record in records.items():
            if node != SHARED:
                seen.add(id)
                if record.shared or id in picture.held.get(SHARED, {}):
                    yield from places.check_tokens(picture, node, id)
    for id in picture.held.get(SHARED, {}).keys() - seen:
        yield from places.check_tokens(picture, "", id)


def known_lines(picture: Picture) -> set[str]:
    """Every line of which anything says that it is there."""
    known = set(picture.lines)
    for key, value in picture.own.items():
        if key in ("shapes", "noted", "fronts", "able") or key.partition(":")[0] in ("heads", "need"):
            known |= set(value)
    return known


def _check_lines(picture: Picture) -> Iterator[Violation]:
    for text in known_lines(picture):
        yield from lines.check_line(picture, text)
        yield from room.check_able(picture, text)
    for demand in picture.get("nearest"):
        yield from room.check_nearest(picture, demand)
    positions = [position for position in picture.get("shapes").values() if position >= 0]
    if picture.own.get("spots") and picture.bits("spots") != {0, *map(int, positions)}:
        yield Violation("lines", ("spots",), "the index of shapes has positions that no shape has")
    if len(set(positions)) < len(positions):
        yield Violation("lines", ("spots",), "two shapes have one position in the index of shapes")


def _check_runs(picture: Picture) -> Iterator[Violation]:
    for run, fields in below(picture.own, "run"):
        yield from runs.check_run(picture, run)
        if fields.get("state") in runs.GOING_ON:
            yield from runs.check_ends(picture, run)
    for run, missing in below(picture.own, "missing"):
        for number in missing:
            yield from runs.check_missing(picture, run, number)
    for node, groups in below(picture.own, "grouped"):
        for each in groups:
            yield from runs.check_group(picture, node, each)
    for text in [*picture.get("timers"), *picture.get("renewed")]:
        yield from runs.check_timer(picture, text)
    for name in picture.shared.capabilities:
        yield from runs.check_token(picture, name)


def _check_conservation(picture: Picture) -> Iterator[Violation]:
    if picture.get("abandoned"):
        return
    for text, line in picture.lines.items():
        head = next((id for id in line if room.waits(picture, id, text)), None)
        for name in picture.nodes if head else ():
            yield from room.check_room(picture, text, head or "", name)
