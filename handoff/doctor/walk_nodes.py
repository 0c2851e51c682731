"""Going over all nodes, and over what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator

from handoff.doctor import index, stored
from handoff.doctor.look_jobs import read_jobs
from handoff.doctor.look_nodes import (
    Restless,
    count_of,
    look_at_bits,
    look_at_claims,
    look_at_common,
    look_at_count,
    look_at_mark,
    look_at_member,
    look_at_node,
    look_at_tokens,
)
from handoff.doctor.pages import PAGE, pairs_of, plain, positions_in, some
from handoff.doctor.picture import UNREADABLE, Picture
from handoff.doctor.slices import text
from handoff.doctor.values import columns
from handoff.doctor.walk import Found, NodeSeen, Walk
from handoff.ledger.nodes import SHARED
from handoff.ledger.texts.labels import each_label
from handoff.ledger.texts.reservation import parts_of, read_record

TOGETHER = 32
"""Bits, reservations, claims of one look."""


def walk_nodes(walk: Walk) -> Found:
    """Each node's own books."""
    store, rank = walk.store, 0
    while names := plain(store, "ZRANGE", store.keys("nodes"), rank, rank + PAGE - 1):
        for name in map(text, names):
            walk.on_step("nodes")
            try:
                picture, found = look_at_node(store, name)
            except Restless:
                walk.restless.append(("node", name))
                continue
            yield from found
            if (seen := _seen(picture, name)) is not None:
                walk.nodes[name] = seen
        rank += PAGE


def _seen(picture: Picture, name: str) -> NodeSeen | None:
    position = picture.position(name)
    try:
        node = picture.node(name)
        sides = columns(node)
        sharing = tuple(id for id, record in picture.get(f"held:{name}").items() if read_record(record).shared)
    except UNREADABLE:
        return None
    fields = picture.get(f"node:{name}")
    if position is None:
        return None
    return NodeSeen(
        node,
        position,
        fields,
        {side: frozenset(values) for side, values in sides.items()},
        frozenset(each_label(fields.get("labels", ""))),
        sharing,
    )


def walk_index(walk: Walk) -> Found:
    """Bits that are set for whom nobody has said so, and classes, labels and marks of nodes."""
    store = walk.store
    for key, of, right in _bitmaps(walk):
        walk.on_step("index")
        strange = (position for position in positions_in(store, store.keys(key, of)) if position not in right)
        for positions in some(strange, TOGETHER):
            yield from look_at_bits(store, key, of, positions)
    for raw, _ in pairs_of(store, "ZSCAN", store.keys("classes")):
        of = text(raw)
        members = (text(name) for name, _ in pairs_of(store, "ZSCAN", store.keys("class", of)))
        strange_names = (
            name for name in members if name not in walk.nodes or walk.nodes[name].fields.get("class") != of
        )
        for names in some(strange_names, TOGETHER):
            yield from look_at_member(store, of, names)
    for raw, _ in pairs_of(store, "HSCAN", store.keys("labels")):
        yield from look_at_count(store, "label", text(raw))
    for key in index.MARKS:
        for raw, _ in pairs_of(store, "ZSCAN", store.keys(key)):
            if (name := text(raw)) not in walk.nodes:
                yield from look_at_mark(store, key, name)


def _bitmaps(walk: Walk) -> Iterator[tuple[str, str, set[int]]]:
    """Every bitmap over nodes, and the positions of which it is known that they are right."""
    store, nodes = walk.store, walk.nodes.values()
    everywhere = {seen.position for seen in nodes}
    for key in ("live", "open", "hold_bits"):
        yield key, "", everywhere
    for raw, _ in pairs_of(store, "HSCAN", store.keys("labels")):
        label = text(raw)
        walk.labels.add(label)
        yield "label", label, {seen.position for seen in nodes if label in seen.labels}
    for raw, _ in pairs_of(store, "ZSCAN", store.keys("classes")):
        of = text(raw)
        walk.classes.add(of)
        yield "alike", of, {seen.position for seen in nodes if seen.fields.get("class") == of}
    for raw, count in pairs_of(store, "HSCAN", store.keys("planes")):
        name = text(raw)
        walk.planes[name] = count_of(text(count))
        for side in ("free", "cap"):
            right = {seen.position for seen in nodes if name in seen.indices[side]}
            for bit in range(walk.planes[name]):
                yield "plane", f"{side}:{name}:{bit}", right


def walk_common(walk: Walk) -> Found:
    """What all nodes share, who has of it, and claims."""
    store = walk.store
    walk.on_step("shared")
    yield from look_at_common(store)
    having = [(name, id) for name, seen in walk.nodes.items() for id in seen.sharing]
    for pairs in some(having, TOGETHER):
        yield from look_at_tokens(store, pairs)
    known = {id for _, id in having}
    tokens = (text(id) for id, _ in pairs_of(store, "HSCAN", store.keys("reservations", SHARED)))
    for ids in some((id for id in tokens if id not in known), TOGETHER):
        yield from look_at_tokens(store, places_of(walk, ids))
    claims = (text(id) for id, _ in pairs_of(store, "HSCAN", store.keys("claims")))
    for ids in some(claims, TOGETHER):
        yield from look_at_claims(store, ids)
    for command, key in (("ZSCAN", "claim_ends"), ("HSCAN", "claim_owners")):
        said = (text(id) for id, _ in pairs_of(store, command, store.keys(key)))
        for ids in some(said, TOGETHER):
            yield from look_at_claims(store, ids)


def places_of(walk: Walk, ids: list[str]) -> list[tuple[str, str]]:
    """On which node reservations are to be, by whose they are."""
    store = walk.store
    parts = {id: parts_of(id) for id in ids}
    jobs = read_jobs(store, [each[0] for each in parts.values() if each])
    claims = [plain(store, "HGET", store.keys("claims"), id) for id in ids if parts[id] is None]
    of_claims = dict(zip((id for id in ids if parts[id] is None), claims, strict=True))
    return [
        (jobs.get(each[0], {}).get(stored.NODE, "") if (each := parts[id]) else text(of_claims[id] or b""), id)
        for id in ids
    ]
