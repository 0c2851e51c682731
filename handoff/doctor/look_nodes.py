"""Looks at nodes, and at what stands beside them: each at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from handoff.doctor import index, lines, places, stored, whole
from handoff.doctor.pages import pairs_of, plain
from handoff.doctor.picture import UNREADABLE, Picture
from handoff.doctor.slices import Slice, text
from handoff.doctor.values import columns
from handoff.doctor.violation import Subject, Violation
from handoff.ledger.nodes import SHARED
from handoff.ledger.store import Store
from handoff.ledger.texts.demand import shapes_of
from handoff.ledger.texts.hold import read_hold
from handoff.ledger.texts.labels import each_label
from handoff.ledger.texts.timer import write_timer

TRIES = 50
"""A look goes by what was so a moment ago: that many are made until nothing it goes by has changed meanwhile."""

FEW_INDICES = 64
"""So many indices are looked at of every node; of more its own, and others by their bitmaps."""

MOST_RECORDS = 1000
"""Of a node with more reservations pages are read first: some 0.7 us each."""

SIDES = ("free", "cap")


class Restless(Exception):
    """What was looked at has changed at every try."""


def look_at_node(store: Store, name: str) -> tuple[Picture, list[Violation]]:
    """All of one node's own books, and what says of it what they say. -> what was read, and what is wrong

    Of a node with thousands of reservations these are read in pages. Where its books have changed meanwhile, or do not
    seem to be right, all is read once more, at one moment.
    """
    if int(plain(store, "HLEN", store.keys("reservations", name)) or 0) > MOST_RECORDS:
        before, records = read_node(store, name, is_whole=False), read_records(store, name)
        picture = read_node(store, name, is_whole=False)
        key = f"node:{name}"
        if before.get(key) == picture.get(key):
            picture.own[f"held:{name}"] = records
            if not (found := _wrong(picture, name)):
                return picture, found
    picture = read_node(store, name)
    return picture, _wrong(picture, name)


def _wrong(picture: Picture, name: str) -> list[Violation]:
    return (
        [] if picture.position(name) is None else [*mistyped(picture, ("node", name)), *whole.check_node(picture, name)]
    )


def read_records(store: Store, name: str) -> dict[str, str]:
    """All that is reserved on a node, in pages."""
    key = store.keys("reservations", name)
    return {text(id): text(record) for id, record in pairs_of(store, "HSCAN", key)}


def mistyped(picture: Picture, subject: Subject) -> Iterator[Violation]:
    """What could not be read because it is of another type."""
    for key in picture.mistyped:
        yield Violation("keys", subject, f"`{key}` is of another type than it has to be")


def look_at_common(store: Store) -> list[Violation]:
    """What all nodes share."""
    picture = read_common(store)
    return list(whole.check_common(picture))


def read_node(store: Store, name: str, *, is_whole: bool = True) -> Picture:
    """One node, with all of its records or none."""
    known = _first_look(store, name)
    for _ in range(TRIES):
        slice = Slice(store)
        told = _ask(slice, known, name)
        if is_whole:
            slice.hash("reservations", name)
        picture = slice.read()
        if told == _told(picture, name, known):
            return picture
        known = picture
    raise Restless(name)


def _first_look(store: Store, name: str) -> Picture:
    slice = Slice(store)
    slice.hash("node", name)
    slice.size("planes", "")
    picture = slice.read()
    again = Slice(store)
    again.hash("node", name)
    names = _own_indices(picture, name)
    if len(picture.get("planes")) <= FEW_INDICES:
        again.hash("planes")
    else:
        again.fields("planes", "", names)
    return again.read()


def _own_indices(picture: Picture, name: str) -> list[str]:
    try:
        sides = columns(picture.node(name))
    except UNREADABLE:
        return []
    return sorted(set().union(*sides.values()))


def _told(picture: Picture, name: str, known: Picture) -> tuple[object, ...]:
    """What a look goes by: what of a node says what else is to be read."""
    fields = picture.get(f"node:{name}")
    names = sorted({*_own_indices(picture, name), *known.get("planes")})
    planes = tuple((each, picture.get("planes").get(each)) for each in names)
    return (
        planes,
        fields.get("labels"),
        fields.get("class"),
        fields.get("hold"),
        picture.position(name),
        _demand(picture, fields),
    )


def _demand(picture: Picture, fields: dict[str, str]) -> str | None:
    return picture.jobs.get(_holder(fields), {}).get(stored.DEMAND)


def _holder(fields: dict[str, str]) -> str:
    try:
        return read_hold(fields["hold"]).job_id
    except (KeyError, ValueError):
        return ""


def _ask(slice: Slice, known: Picture, name: str) -> tuple[object, ...]:
    fields = known.get(f"node:{name}")
    told = _told(known, name, known)
    slice.hash("node", name)
    for key in ("nodes", "leases", "lease_lengths", "lost", "abandoned", "holds"):
        slice.score(key, "", name)
    slice.fields("sweep", "", ("closed_upto",))
    planes = sorted({*_own_indices(known, name), *known.get("planes")})
    slice.fields("planes", "", planes)
    position = known.position(name)
    if position is not None:
        for key in index.BITMAPS:
            slice.bit("hold_bits" if key == "withheld" else key, "", position)
        for each in planes:
            for side in SIDES:
                for bit in range(count_of(known.get("planes").get(each))):
                    slice.bit("plane", f"{side}:{each}:{bit}", position)
        for label in each_label(fields.get("labels", "")):
            slice.bit("label", label, position)
        if "class" in fields:
            slice.bit("alike", fields["class"], position)
    slice.fields("labels", "", each_label(fields.get("labels", "")))
    if "class" in fields:
        slice.score("classes", "", fields["class"])
        slice.score("class", fields["class"], name)
    if job := _holder(fields):
        ask_of_holder(slice, known, job)
    return told


def count_of(value: object) -> int:
    """How many planes there are, as stored: of what is no number none."""
    return min(64, int(value)) if isinstance(value, str) and value.isdecimal() else 0


def ask_of_holder(slice: Slice, known: Picture, job: str) -> None:
    """Read of a job whether it waits, and for what."""
    slice.score("waiting", "", job)
    slice.fields("rq_job", job, ("status", stored.STATE, stored.RANK, stored.DEMAND, stored.SINCE))
    ask_of_timers(slice, job, known.jobs.get(job, {}).get(stored.DEMAND, ""))


def ask_of_timers(slice: Slice, job: str, demand: str) -> None:
    """Read whether it waits still for one of its variants."""
    for number, (after_ms, _) in enumerate(shapes_of(demand), 1):
        if after_ms:
            slice.score("timers", "", write_timer("after", job, number))


def read_common(store: Store) -> Picture:
    """What all nodes share, with its records."""
    known = Picture(store.namespace, {}, {})
    for _ in range(TRIES):
        slice = Slice(store)
        slice.hash("node", SHARED)
        slice.hash("reservations", SHARED)
        slice.score("holds", "", SHARED)
        job = _holder(known.get(f"node:{SHARED}"))
        if job:
            ask_of_holder(slice, known, job)
        picture = slice.read()
        fields = picture.get(f"node:{SHARED}")
        if _holder(fields) == job and _demand(picture, fields) == _demand(known, fields):
            return picture
        known = picture
    raise Restless(SHARED)


def look_at_bits(store: Store, key: str, of: str, positions: Sequence[int]) -> Iterator[Violation]:
    """Bits of which nobody has said yet that they are right. `key` is a name of the schema."""
    slice = Slice(store)
    for position in positions:
        slice.bit(key, of, position)
        slice.scored("nodes", at=position)
    names = list(slice.read().get("nodes"))
    slice = Slice(store)
    for position in positions:
        slice.bit(key, of, position)
        slice.scored("nodes", at=position)
    for name in names:
        slice.hash("node", name)
    picture = slice.read()
    path = {"hold_bits": "withheld"}.get(key, key) + (f":{of}" if of else "")
    for position in positions:
        owner = next((name for name, score in picture.get("nodes").items() if score == position), None)
        # One that has come this moment is looked at by itself.
        if owner is None or owner in names:
            yield from index.check_bit(picture, path, position)


def look_at_mark(store: Store, key: str, name: str) -> Iterator[Violation]:
    """What marks a node. `key` is a name of the schema."""
    slice = Slice(store)
    slice.score(key, "", name)
    slice.score("nodes", "", name)
    yield from index.check_marks(slice.read())


def look_at_member(store: Store, of: str, names: Iterable[str]) -> Iterator[Violation]:
    """Who stands in a class."""
    names = list(names)
    slice = Slice(store)
    for name in names:
        slice.score("class", of, name)
        slice.fields("node", name, ("class",))
    picture = slice.read()
    for name in names:
        yield from index.check_member(picture, of, name)


def look_at_count(store: Store, kind: str, name: str) -> Iterator[Violation]:
    """How many nodes have a label, or shapes a constraint."""
    slice = Slice(store)
    slice.fields({"label": "labels", "term": "shape_terms"}[kind], "", (name,))
    slice.string({"label": "label", "term": "shape_term"}[kind], name)
    yield from lines.check_count(slice.read(), kind, name)


def look_at_tokens(store: Store, pairs: Sequence[tuple[str, str]]) -> Iterator[Violation]:
    """What reservations have of what all share, by both of their records: node, '' = of none that is known, and id."""
    slice = Slice(store)
    for node, id in pairs:
        slice.fields("reservations", SHARED, (id,))
        slice.fields("reservations", node, (id,))
    picture = slice.read()
    for node, id in pairs:
        yield from places.check_tokens(picture, node, id)


def look_at_claims(store: Store, ids: Sequence[str]) -> Iterator[Violation]:
    """Claims, and whether what they say is held is."""
    first = Slice(store)
    first.fields("claims", "", ids)
    known = first.read().get("claims")
    slice = Slice(store)
    slice.fields("claims", "", ids)
    for id in ids:
        slice.score("claim_ends", "", id)
        slice.fields("claim_owners", "", (id,))
        if id in known:
            slice.fields("reservations", known[id], (id,))
    picture = slice.read()
    for id in ids:
        if picture.get("claims").get(id) in (None, known.get(id)):
            yield from places.check_claim(picture, id)
