"""What stands beside a node's books so that it is found: the index, labels, classes, leases and marks."""

from __future__ import annotations

from collections.abc import Iterator

from handoff.doctor.picture import UNREADABLE, Picture
from handoff.doctor.values import columns
from handoff.doctor.violation import Violation, differing
from handoff.ledger.nodes import SHARED, Node
from handoff.ledger.texts.labels import each_label
from handoff.ledger.texts.node_class import write_node_class

RULE = "index"


def check_bits(picture: Picture, node: Node) -> Iterator[Violation]:
    """The planes say of it what its books say, and the bitmaps whether something may be placed on it."""
    position = picture.position(node.name)
    if position is None:
        return
    planes = {index: int(count) for index, count in picture.get("planes").items()}
    for side, values in columns(node).items():
        found = {index: picture.number(f"plane:{side}:{index}", count, position) for index, count in planes.items()}
        if wrong := differing(values, found):
            what = "is free of it" if side == "free" else "it has"
            text = f"the index does not say of position {position} what {what}"
            yield Violation(RULE, ("node", node.name), text, node=node.name, amounts=wrong)
    fields = picture.get(f"node:{node.name}")
    is_live = fields.get("state") == "up" and "draining" not in fields and not is_late(picture, node.name)
    is_open = is_live and not (fields.get("over") or fields.get("quiet") or "cordoned" in fields)
    for key, should in {"live": is_live, "open": is_open, "withheld": "hold" in fields}.items():
        if picture.bit(key, position) != should:
            text = f"its bit in `{key}` is {picture.bit(key, position)}, and by its books {int(should)}"
            yield Violation(RULE, ("node", node.name), text, node=node.name)


def is_late(picture: Picture, name: str) -> bool:
    """Whether its lease was over among so many that it is closed, and not lost yet (nodes/lapse)."""
    ends = picture.get("leases").get(name)
    return ends is not None and ends <= float(picture.get("sweep").get("closed_upto", "0"))


def check_labels(picture: Picture, node: Node) -> Iterator[Violation]:
    """Each of its labels is known, and has its bit."""
    position = picture.position(node.name)
    for label in each_label(picture.get(f"node:{node.name}").get("labels", "")):
        if position is not None and not picture.bit(f"label:{label}", position):
            yield Violation(
                RULE, ("node", node.name), f"the bitmap of its label {label} has no bit for it", node=node.name
            )
        if label not in picture.get("labels"):
            yield Violation(RULE, ("node", node.name), f"nobody knows of its label {label}", node=node.name)


def check_class(picture: Picture, node: Node) -> Iterator[Violation]:
    """A live node stands in the class of those that have the same, any other in none."""
    fields, subject = picture.get(f"node:{node.name}"), ("node", node.name)
    found = fields.get("class")
    is_live = fields.get("state") == "up" and "draining" not in fields
    of = write_node_class(columns(node)["cap"], fields.get("labels", "")) if is_live else None
    if found != of:
        yield Violation(RULE, subject, f"its class is {found or 'none'} and should be {of or 'none'}", node=node.name)
        return
    position = picture.position(node.name)
    if of is not None and position is not None:
        if of not in picture.get("classes") or node.name not in picture.get(f"class:{of}"):
            yield Violation(RULE, subject, f"its class {of} does not name it", node=node.name)
        if not picture.bit(f"alike:{of}", position):
            yield Violation(RULE, subject, f"the bitmap of its class {of} has no bit for it", node=node.name)


def check_state(picture: Picture, name: str) -> Iterator[Violation]:
    """It is up, with a lease where an agent has it, or lost; what a lost one held is given back, or about to be."""
    fields, subject = picture.get(f"node:{name}"), ("node", name)
    is_up, records = fields.get("state") == "up", picture.held.get(name, {})
    has_lease = name in picture.get("leases")
    if has_lease != (is_up and fields.get("kind") == "leased"):
        yield Violation(
            RULE, subject, f"it has {'a' if has_lease else 'no'} lease, which is not as its state says", node=name
        )
    if (name in picture.get("lost")) == is_up:
        yield Violation(RULE, subject, "whether it is lost is not as its state says", node=name)
    if name in picture.get("abandoned") and is_up:
        yield Violation(RULE, subject, "what it holds is about to be given back though it is up", node=name)
    for id, record in records.items():
        # An older epoch's reservations are given back before the node is up again.
        if record.epoch != fields.get("epoch") if is_up else name not in picture.get("abandoned"):
            text = f"reservation {id} is of epoch {record.epoch}, which is not the node's"
            yield Violation("reservations", subject, text, node=name, amounts=differing({}, record.whole))
    if fields.get("position") != str(picture.position(name)):
        text = f"its position is {fields.get('position')}, and in the order of nodes {picture.position(name)}"
        yield Violation(RULE, subject, text, node=name)


def check_marks(picture: Picture) -> Iterator[Violation]:
    """What marks a node marks one that there is."""
    for key in MARKS:
        for name in picture.of(key) or ():
            if name not in picture.get("nodes") and not (name == SHARED and key in ("dirty", "holds")):
                yield Violation("keys", ("mark", key, name), f"`{key}` names node {name}, and there is none", node=name)


def check_bit(picture: Picture, key: str, position: int) -> Iterator[Violation]:
    """A bit that is set is of a node that says so."""
    if not picture.bit(key, position):
        return
    name = next((name for name, score in picture.get("nodes").items() if score == position), None)
    subject = ("bit", key, str(position))
    if name is None:
        yield Violation(RULE, subject, f"`{key}` has a bit for position {position}, which no node has")
        return
    kind, _, of = key.partition(":")
    node = picture.get(f"node:{name}")
    says = {"label": of in each_label(node.get("labels", "")), "alike": of == node.get("class")}.get(kind, True)
    if kind == "plane":
        side, _, index = of.rpartition(":")[0].partition(":")
        try:
            says = index in columns(picture.node(name))[side]
        except UNREADABLE:
            # A look at the node itself tells it.
            return
    if not says:
        yield Violation(
            RULE, subject, f"`{key}` has a bit for position {position}, and the node does not say so", node=name
        )


def check_member(picture: Picture, of: str, name: str) -> Iterator[Violation]:
    """Whoever stands in a class says so."""
    if name in picture.get(f"class:{of}") and picture.get(f"node:{name}").get("class") != of:
        yield Violation(RULE, ("member", of, name), f"it stands in class {of}, which it does not say", node=name)


MARKS = ("leases", "lease_lengths", "lost", "abandoned", "dirty", "holds")
"""What names nodes, by names of the schema."""

BITMAPS = ("live", "open", "withheld")
"""And `label:`, `alike:` and `plane:` of each."""
