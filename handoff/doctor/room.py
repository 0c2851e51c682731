"""What nodes could do: no waiting function fits on a live node, unless something says why; who could hold it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handoff.doctor import stored
from handoff.doctor.demand import Wanted, allows, family, parts_of, wanted
from handoff.doctor.picture import Picture
from handoff.doctor.values import indexed, indices, most
from handoff.doctor.violation import Violation, counted
from handoff.ledger.nodes import SHARED, Node
from handoff.ledger.texts.hold import read_hold
from handoff.ledger.texts.terms import CAPACITY, capacity_of, labels_of
from handoff.words.constraints import NODE, Term
from handoff.words.resources import UNIT, Units

RULE = "room"


def check_room(picture: Picture, text: str, job: str, name: str) -> Iterator[Violation]:
    """The head of a line does not fit on a node, unless a hold or a mark says that it was not tried yet.

    `job` is the first of the line that waits, and not one that rq's tools took away.
    """
    dirty, rank = picture.get("dirty"), picture.get(f"shape:{text}").get(job)
    if rank is None or name in dirty or picture.get("abandoned"):
        return
    shape = wanted(text)
    if SHARED in dirty and shape.cost.keys() & picture.shared.capabilities.keys():
        return
    # Who comes behind the head is barred wherever the head is.
    if has_tokens(picture, shape, rank) and has_room(picture, picture.node(name), shape, rank):
        yield Violation(RULE, ("room", text, job, name), f"it waits and fits on the node: {text}", job, name)


def waits(picture: Picture, id: str, text: str) -> bool:
    """Whether a job really waits in a line; entries of jobs that rq's tools took away are dropped later."""
    job = picture.jobs.get(id, {})
    is_it = float(job.get(stored.RANK, -1)) == picture.get(f"shape:{text}").get(id)
    return is_it and job.get("status") == "deferred" and job.get(stored.STATE) == "waiting"


def has_tokens(picture: Picture, shape: Wanted, rank: float) -> bool:
    """Whether what it needs of what all share is there."""
    shared, (part, _) = picture.shared, parts_of(picture, shape)
    has = all(units <= shared.capabilities[name] - shared.used.get(name, 0) for name, units in part.items())
    return has and not _bars(picture.get(f"node:{SHARED}"), part, rank)


def has_room(picture: Picture, node: Node, shape: Wanted, rank: float) -> bool:
    """Whether it fits there now."""
    fields = picture.get(f"node:{node.name}")
    _, cost = parts_of(picture, shape)
    if not node.live or fields.keys() & {"over", "quiet", "draining", "cordoned"} or _bars(fields, cost, rank):
        return False
    free = indexed(node, is_idle=False)
    return all(units <= most(free, name, units) for name, units in cost.items()) and allows(node, shape)


def _bars(fields: Mapping[str, str], cost: Units, rank: float) -> bool:
    hold = read_hold(fields["hold"]) if "hold" in fields else None
    return hold is not None and rank > hold.rank and not set(hold.lacks).isdisjoint(map(family, cost))


def check_able(picture: Picture, text: str) -> Iterator[Violation]:
    """What is remembered of who could hold a shape is so.

    By the index, which is one moment of all nodes: that it is right is told of each node by itself.
    """
    count = picture.get("able").get(text)
    if count is None:
        return
    able = sum(1 for position in picture.bits("live") if _is_able(picture, text, position))
    if not picture.get(f"shape:{text}"):
        yield Violation("lines", ("able", text), f"it is remembered who could hold {text}, and nobody waits with it")
    elif wrong := counted(able, int(count), "nodes"):
        yield Violation(
            "lines", ("able", text), f"how many nodes could hold {text} is not what is remembered", amounts=wrong
        )


def check_nearest(picture: Picture, demand: str) -> Iterator[Violation]:
    """What is remembered as what no node could hold is so."""
    if demand not in picture.get("nearest"):
        return
    if any(_is_able(picture, text, position) for text in shapes_of(demand) for position in picture.bits("live")):
        text = f"it is remembered that no node could hold {demand}, and one could"
        yield Violation("lines", ("nearest", demand), text)


def shapes_of(demand: str) -> list[str]:
    """The shapes of a demand as `nearest` names it: without when each is asked for."""
    return demand.split("&")


def capacity_columns(text: str) -> list[str]:
    """Which indices of the capacities such a look reads."""
    shape = wanted(text)
    names: set[str] = set()
    for name, units in [*shape.cost.items(), *_group_needs(shape)]:
        names.update(index for each in (units, _whole(units)) for index, _ in indices(name, each))
    return sorted(names)


def _group_needs(shape: Wanted) -> Iterator[tuple[str, int]]:
    for term in shape.terms:
        if term.name == CAPACITY:
            yield from capacity_of(term).items()


def _whole(units: int) -> int:
    return -(-units // UNIT) * UNIT


def _is_able(picture: Picture, text: str, position: int) -> bool:
    shape = wanted(text)
    part, cost = parts_of(picture, shape)
    if any(units > picture.shared.capabilities[name] for name, units in part.items()):
        return False
    planes = {name: int(count) for name, count in picture.get("planes").items()}
    capacity = {
        name: picture.number(f"plane:cap:{name}", planes[name], position)
        for name in capacity_columns(text)
        if name in planes
    }
    return all(units <= most(capacity, name, units) for name, units in cost.items()) and all(
        _is_met(picture, term, position, capacity) for term in shape.terms
    )


def _is_met(picture: Picture, term: Term, position: int, capacity: Mapping[str, int]) -> bool:
    if term.name == CAPACITY:
        return all(
            units <= most(capacity, name, units)
            or (units > UNIT and _whole(units) <= most(capacity, name, _whole(units)))
            for name, units in capacity_of(term).items()
        )
    if term.name == NODE:
        return (position in [picture.position(value) for value in term.values]) != term.negated
    return any(picture.bit(f"label:{label}", position) for label in labels_of(term)) != term.negated
