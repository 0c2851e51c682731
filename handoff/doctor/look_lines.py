"""Looks at lines, at what could be started from them, and at the index of shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from handoff.doctor import lines, room, stored
from handoff.doctor.demand import wanted
from handoff.doctor.look_nodes import TRIES, Restless, count_of
from handoff.doctor.pages import keys_like, plain
from handoff.doctor.picture import Picture
from handoff.doctor.readable import readable
from handoff.doctor.slices import Slice
from handoff.doctor.violation import Violation
from handoff.ledger.nodes import SHARED
from handoff.ledger.store import Store
from handoff.ledger.texts.index_name import sum_of
from handoff.ledger.texts.terms import CAPACITY, labels_of, write_term
from handoff.words.constraints import NODE


def look_at_line(store: Store, text: str) -> list[Violation]:
    """Who is the head of a line, and what says so."""
    try:
        shape = wanted(text)
    except ValueError:
        is_there = any(_named(store, text))
        return [Violation("lines", ("line", text), f"a line is called `{text}`, which is no shape")] * is_there
    known = Picture(store.namespace, {}, {})
    for _ in range(TRIES):
        slice = Slice(store)
        slice.scored("shape", text, most=1)
        for key in ("shapes", "fronts"):
            slice.score(key, "", text)
        slice.score("heads", shape.scope, text)
        for name in shape.cost:
            slice.score("need", f"{name}{shape.scope}", text)
        slice.fields("notes", "", (text,))
        slice.fields("able", "", (text,))
        told = _ask_of_index(slice, known, text)
        picture = slice.read()
        if told == _told(picture, text):
            return list(readable(lines.check_line(picture, text), ("line", text)))
        known = picture
    raise Restless(text)


def _named(store: Store, name: str) -> Iterator[bool]:
    """Wherever a line may be named, whether one of that name is."""
    member = name.encode("latin-1")
    yield bool(store.read("EXISTS", store.keys("shape").encode() + member))
    for key in ("notes", "able"):
        yield bool(plain(store, "HEXISTS", store.keys(key), member))
    for key in ("heads", "need"):
        yield from (
            plain(store, "ZSCORE", each, member) is not None for each in keys_like(store, f"{store.keys(key)}*")
        )
    for key in ("shapes", "fronts"):
        yield plain(store, "ZSCORE", store.keys(key), member) is not None


def _told(picture: Picture, text: str) -> tuple[object, ...]:
    planes = picture.get("spot_planes")
    return bool(picture.own.get("spots")), picture.get("shapes").get(text), tuple(sorted(planes.items()))


def _ask_of_index(slice: Slice, known: Picture, text: str) -> tuple[object, ...]:
    slice.exists("shape_bits", "")
    shape, planes = wanted(text), known.get("spot_planes")
    if known.own.get("spots"):
        slice.fields(
            "shape_planes", "", sorted(planes) or [name for each in shape.cost for name in (each, sum_of(each))]
        )
        position = int(known.get("shapes").get(text, -1))
        if position > 0:
            slice.bit("shape_bits", "", position)
            slice.bit("shape_scope", shape.scope, position)
            for bit in range(lines.RANK_PLANES):
                slice.bit("shape_plane", f"*rank:{bit}", position)
            for name, count in planes.items():
                for bit in range(count_of(count)):
                    slice.bit("shape_plane", f"{name}:{bit}", position)
            for term in shape.terms:
                slice.bit("shape_term", write_term(term), position)
            slice.fields("shape_terms", "", [write_term(term) for term in shape.terms])
    return _told(known, text)


def real_head(store: Store, text: str, most: int = 16) -> str | None:
    """The first of a line that waits, and not one that rq's tools took away."""
    slice = Slice(store)
    slice.scored("shape", text, most=most)
    ids = list(slice.read().get(f"shape:{text}"))
    slice = Slice(store)
    for id in ids:
        ask_of_head(slice, text, id)
    picture = slice.read()
    return next((id for id in ids if room.waits(picture, id, text)), None)


def ask_of_head(slice: Slice, text: str, id: str) -> None:
    """Read whether a job waits in a line."""
    slice.score("shape", text, id)
    slice.fields("rq_job", id, ("status", stored.STATE, stored.RANK))


def look_at_room(store: Store, text: str, job: str, name: str) -> list[Violation]:
    """Whether a job that waits fits on a node, with all that may say why it does not start there."""
    slice = Slice(store)
    ask_of_head(slice, text, job)
    slice.hash("node", name)
    slice.hash("node", SHARED)
    for key in ("nodes", "leases", "dirty", "abandoned"):
        slice.score(key, "", name)
    slice.score("dirty", "", SHARED)
    slice.size("abandoned", "")
    slice.fields("sweep", "", ("closed_upto",))
    slice.scored("shape", text, most=1)
    picture = slice.read()
    # Those in front of it are held back, perhaps: it is the head's turn first.
    front = picture.get(f"shape:{text}")
    if not room.waits(picture, job, text) or name not in picture.get("nodes") or min(front.values()) < front[job]:
        return []
    return list(readable(room.check_room(picture, text, job, name), ("room", text, job, name), job=job, node=name))


def look_at_able(store: Store, text: str, planes: Mapping[str, str]) -> list[Violation]:
    """How many nodes could hold a shape, by the index."""

    def ask(slice: Slice) -> None:
        slice.fields("able", "", (text,))
        slice.scored("shape", text, most=1)

    return list(readable(room.check_able(_who_could(store, [text], planes, ask), text), ("able", text)))


def look_at_nearest(store: Store, demand: str, planes: Mapping[str, str]) -> list[Violation]:
    """Whether a node could hold what is remembered as what none could."""

    def ask(slice: Slice) -> None:
        slice.fields("nearest", "", (demand,))

    def check() -> Iterator[Violation]:
        yield from room.check_nearest(_who_could(store, room.shapes_of(demand), planes, ask), demand)

    return list(readable(check(), ("nearest", demand)))


def _who_could(store: Store, shapes: list[str], planes: Mapping[str, str], ask: Callable[[Slice], None]) -> Picture:
    """What the index says of capacities and labels that these ask for, and what else is asked, at one moment."""
    names = sorted({name for text in shapes for name in room.capacity_columns(text)})
    terms = [term for text in shapes for term in wanted(text).terms]
    for _ in range(TRIES):
        slice = Slice(store)
        ask(slice)
        slice.hash("node", SHARED)
        slice.string("live")
        slice.fields("planes", "", names)
        for name in names:
            for bit in range(count_of(planes.get(name))):
                slice.string("plane", f"cap:{name}:{bit}")
        for term in terms:
            for value in term.values if term.name == NODE else ():
                slice.score("nodes", "", value)
            for label in labels_of(term) if term.name not in (NODE, CAPACITY) else ():
                slice.string("label", label)
        picture = slice.read()
        if {name: picture.get("planes").get(name) for name in names} == {name: planes.get(name) for name in names}:
            return picture
        planes = picture.get("planes")
    raise Restless("&".join(shapes))


def look_at_spots(store: Store) -> Iterator[Violation]:
    """The positions of the index of shapes that are taken."""
    slice = Slice(store)
    slice.string("shape_bits")
    slice.size("shapes", "")
    picture = slice.read()
    bits, count = picture.bits("spots"), len(picture.get("shapes"))
    if bits and len(bits) != count + 1:
        yield Violation(
            "lines", ("spots",), f"the index of shapes has {len(bits) - 1} positions taken, and {count} shapes wait"
        )
