"""Lines of those that wait for the same: known by their heads and needs; and what is held for a head."""

from __future__ import annotations

from collections.abc import Iterator

from handoff.doctor import stored
from handoff.doctor.demand import family, wanted
from handoff.doctor.picture import Picture, by_score
from handoff.doctor.violation import Violation, counted
from handoff.ledger.texts import index_name
from handoff.ledger.texts.demand import shapes_of
from handoff.ledger.texts.hold import read_hold
from handoff.ledger.texts.note import job_of_note
from handoff.ledger.texts.terms import write_term
from handoff.ledger.texts.timer import write_timer
from handoff.words.resources import SLOTS, UNIT

RULE = "lines"

RANKS = 2**52
"""Ranks are below. Heads that no open node could hold stand behind all others by so much in `fronts`."""

RANK_PLANES = 52


def check_line(picture: Picture, text: str) -> Iterator[Violation]:
    """Whoever stands in front of a line is its head wherever that is written; of an empty one nothing is written."""
    subject = ("line", text)
    front = by_score(picture.get(f"shape:{text}"))[:1]
    shape = wanted(text)
    if not front:
        written = {
            "shapes": picture.get("shapes"), "noted": picture.get("noted"), "fronts": picture.get("fronts"),
            f"heads:{shape.scope}": picture.get(f"heads:{shape.scope}"), "able": picture.get("able"),
        } | {f"need:{name}{shape.scope}": picture.get(f"need:{name}{shape.scope}") for name in shape.cost}  # fmt: skip
        for key, value in written.items():
            if text in value:
                yield Violation(RULE, subject, f"`{key}` names the line of {text}, and nobody stands in it")
        return
    ((job, rank),) = front
    if SLOTS not in shape.cost:
        yield Violation(RULE, subject, f"{text} asks for no slot", job=job)
    if picture.get(f"heads:{shape.scope}").get(text) != rank:
        found = picture.get(f"heads:{shape.scope}").get(text)
        yield Violation(
            RULE, subject, f"its head in `heads` has rank {_whole(found)}, and is of {_whole(rank)}: {text}", job=job
        )
    for name, units in shape.cost.items():
        found = picture.get(f"need:{name}{shape.scope}").get(text)
        if found != units:
            wrong = {name: (units, int(found or 0))}
            yield Violation(RULE, subject, f"what it needs is not known so: {text}", job=job, amounts=wrong)
    if job_of_note(picture.get("noted").get(text, "")) != job:
        noted = picture.get("noted").get(text, "nothing")
        yield Violation(RULE, subject, f"what is noted of its head is of another job ({noted}): {text}", job=job)
    if (at := picture.get("fronts").get(text)) is None or at % RANKS != rank:
        yield Violation(
            RULE,
            subject,
            f"its head stands at {_whole(at)} in `fronts`, and is of rank {_whole(rank)}: {text}",
            job=job,
        )
    if text not in picture.get("shapes"):
        yield Violation(RULE, subject, f"`shapes` does not name it: {text}", job=job)
    else:
        yield from _check_index(picture, text, rank, job)


def _whole(rank: float | None) -> str:
    return "none" if rank is None else f"{rank:.0f}"


def _check_index(picture: Picture, text: str, rank: float, job: str) -> Iterator[Violation]:
    """Where there is an index of shapes it says of each what it needs and how far in front its head is."""
    subject, shape = ("line", text), wanted(text)
    position, is_indexed = int(picture.get("shapes")[text]), bool(picture.own.get("spots"))
    if not is_indexed or position < 1:
        if is_indexed or position >= 0:
            yield Violation(
                RULE, subject, f"it has position {position} in the index of shapes, which cannot be: {text}", job=job
            )
        return
    if not picture.bit("spots", position) or not picture.bit(f"spots:{shape.scope}", position):
        yield Violation(RULE, subject, f"its position {position} in the index of shapes is not taken: {text}", job=job)
    found = picture.number("spot:*rank", RANK_PLANES, position)
    if found != RANKS - rank:
        yield Violation(
            RULE,
            subject,
            f"the index of shapes has its head at {RANKS - found}, which is of {rank:.0f}: {text}",
            job=job,
        )
    # What only a sum can meet, for it is more than one device and no whole number, has a column of its own.
    needs = {
        index_name.sum_of(name) if units > UNIT and units % UNIT else name: units for name, units in shape.cost.items()
    }
    planes = {name: int(count) for name, count in picture.get("spot_planes").items()}
    for name in sorted(needs.keys() | planes.keys()):
        units = picture.number(f"spot:{name}", planes.get(name, 0), position)
        if units != needs.get(name, 0):
            wrong = {name: (needs.get(name, 0), units)}
            yield Violation(
                RULE, subject, f"the index of shapes does not say what it needs: {text}", job=job, amounts=wrong
            )
    for term in map(write_term, shape.terms):
        if term != f"node={shape.pin}" and not (picture.bit(f"term:{term}", position) and term in picture.get("terms")):
            yield Violation(RULE, subject, f"the index of shapes does not know its term {term}: {text}", job=job)


def check_count(picture: Picture, of: str, name: str) -> Iterator[Violation]:
    """As many positions have a label, or a constraint, as is counted. `of` is `label` or `term`."""
    found = int(picture.get(f"{of}s").get(name, "0"))
    bits = len(picture.bits(f"{of}:{name}"))
    if found != bits:
        rule, what = ("index", "nodes") if of == "label" else (RULE, "shapes")
        text = f"the count of {what} with {name} is not what its bitmap says"
        yield Violation(rule, (of, name), text, amounts=counted(bits, found, what))


def joined_lines(picture: Picture, id: str) -> dict[str, bool]:
    """The lines of a job's demand, and whether it is to stand in them: a variant may have to be waited for first."""
    timers = picture.get("timers")
    joined: dict[str, bool] = {}
    for number, (after_ms, shape) in enumerate(shapes_of(picture.jobs[id][stored.DEMAND]), 1):
        is_joined = not after_ms or write_timer("after", id, number) not in timers
        joined[shape] = joined.get(shape, False) or is_joined
    return joined


def check_hold(picture: Picture, name: str) -> Iterator[Violation]:
    """What is held is held for one that waits, and open to it."""
    fields, subject = picture.get(f"node:{name}"), ("node", name)
    text = fields.get("hold")
    rank = picture.get("holds").get(name)
    if text is None:
        if rank is not None:
            yield Violation(
                RULE, subject, f"`holds` says that it is held for rank {_whole(rank)}, and its books do not", node=name
            )
        return
    hold = read_hold(text)
    if rank != hold.rank:
        yield Violation(
            RULE, subject, f"it is held for {hold.rank}, and `holds` says {_whole(rank)}", job=hold.job_id, node=name
        )
    if fields.get("state") != "up" or fields.keys() & {"quiet", "draining", "cordoned"}:
        yield Violation(RULE, subject, "it is held though nothing may be placed on it", job=hold.job_id, node=name)
    if picture.get("waiting").get(hold.job_id) != hold.rank:
        yield Violation(
            RULE, subject, "it is held for a job that does not wait", job=hold.job_id, node=name, passing=True
        )
    elif hold.job_id in picture.jobs:
        joined = joined_lines(picture, hold.job_id)
        asked = {family(part) for shape, is_in in joined.items() if is_in for part in wanted(shape).cost}
        if not set(hold.lacks) <= asked:
            lacks = ", ".join(hold.lacks)
            yield Violation(
                RULE, subject, f"it is held for {lacks}, which the job does not ask for", job=hold.job_id, node=name
            )
