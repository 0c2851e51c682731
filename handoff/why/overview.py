"""A namespace in numbers: what stands where, and what waits.

Bounded by the number of nodes and of waiting shapes, however many functions there are. Not one moment: what moves
between two reads may be counted twice or not at all. No MULTI, which a server at its memory limit refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from handoff.ledger.housekeeping import has_ticked
from handoff.ledger.nodes import SHARED, NodeState, read_nodes
from handoff.ledger.phrases import in_words, place_in_words
from handoff.ledger.store import Store
from handoff.ledger.texts.cost import asked_for
from handoff.ledger.texts.run_id import is_run_token
from handoff.ledger.texts.shape import read_shape
from handoff.why.use import Use, use_of
from handoff.words.resources import Amount, amounts


@dataclass(frozen=True, slots=True)
class Waiting:
    """Functions of one shape that wait for room. One that would take any of several costs waits with each shape."""

    cost: Mapping[str, Amount]  #: without the slot that everything needs
    node: str | None  #: where they are pinned
    where: str | None  #: what else must hold of a node, in words
    count: int

    def __str__(self) -> str:
        pinned = f" on {self.node}" if self.node else ""
        return in_words(self.cost) + pinned + (f" where {self.where}" if self.where else "")


@dataclass(frozen=True, slots=True)
class Overview:
    """A namespace in numbers."""

    queued: int  #: placed on a node, not yet started
    started: int
    waiting: int
    delayed: int
    shapes: list[Waiting]  #: what waits, by shape, the most first
    nodes: Mapping[NodeState, int]
    draining: list[str]  #: names of nodes
    shared: Mapping[str, Use]  #: what the cluster as a whole has


def read_waiting(store: Store) -> list[Waiting]:
    """Count what waits, by shape, the most first."""
    shapes = [shape.decode() for shape in store.read("ZRANGE", store.keys("shapes"), 0, -1)]
    counts = store.read_each([("ZCARD", store.keys("shape", shape)) for shape in shapes])
    found = [_waiting(shape, count) for shape, count in zip(shapes, counts, strict=True) if count]
    return sorted(found, key=lambda waiting: (-waiting.count, str(waiting)))


def _waiting(text: str, count: int) -> Waiting:
    shape = read_shape(text)
    pin, where = place_in_words(shape.terms)
    return Waiting(amounts(asked_for(shape.cost)), pin, where or None, count)


def read_overview(store: Store) -> Overview:
    """Count functions by state, and nodes by theirs."""
    nodes = read_nodes(store)
    if has_ticked(store):
        nodes = read_nodes(store)
    states = [node.state for node in nodes]
    waiting, delayed, *stand = store.read_each(
        [
            ("ZCARD", store.keys("waiting")),
            ("ZCARD", store.keys("delayed")),
            *(("LLEN", store.keys("rq_queue", store.keys.queue(node.name))) for node in nodes),
            *(("ZCARD", store.keys("running", node.name)) for node in nodes),
        ]
    )
    return Overview(
        queued=sum(stand[: len(nodes)]),
        started=sum(stand[len(nodes) :]),
        waiting=waiting,
        delayed=delayed,
        shapes=read_waiting(store),
        nodes={state: states.count(state) for state in get_args(NodeState)},
        draining=[node.name for node in nodes if node.state == "draining"],
        shared={
            name: use
            for books in read_nodes(store, SHARED)
            for name, use in use_of(books).items()
            if not is_run_token(name)
        },
    )
