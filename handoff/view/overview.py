"""A namespace in numbers: what stands where, what waits, and what could never start.

Bounded by the number of nodes and of waiting shapes, however many functions there are. Not one moment: what moves
between two reads may be counted twice or not at all. No MULTI, which a server at its memory limit refuses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from handoff.ledger.asking import Ledger
from handoff.ledger.clock import now_of
from handoff.ledger.counts import Counts, count_on
from handoff.ledger.fields import names_of
from handoff.ledger.housekeeping import has_ticked
from handoff.ledger.judging import count_able
from handoff.ledger.nodes import SHARED, Node, NodeState, read_nodes
from handoff.ledger.phrases import in_words, place_in_words
from handoff.ledger.store import Call
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.cost import asked_for
from handoff.ledger.texts.demand import first_shape
from handoff.ledger.texts.run_id import is_run_token
from handoff.ledger.texts.shape import read_shape
from handoff.view import places
from handoff.why.use import Use, use_of
from handoff.words.resources import Amount, amounts

_HEAD = ("demand", "since")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Functions of one shape that wait for room. One that would take any of several costs waits with each shape."""

    cost: Mapping[str, Amount]  #: without the slot that everything needs
    node: str | None  #: where they are pinned
    where: str | None  #: what else must hold of a node, in words
    count: int
    shape: str  #: as `list_functions` takes it
    infeasible: bool  #: no live node could hold the first of them even when idle, nor any other of its costs
    second_choice: bool  #: the first of them would rather have another shape, and is counted there too
    waited_s: float | None  #: for how long the first of them has waited
    first: str | None  #: its id

    def __str__(self) -> str:
        pinned = f" on {self.node}" if self.node else ""
        return in_words(self.cost) + pinned + (f" where {self.where}" if self.where else "")


@dataclass(frozen=True, slots=True)
class Stand:
    """One node, and how many functions stand on it."""

    node: Node
    counts: Counts

    @property
    def queued(self) -> int:
        """Placed, and not yet started."""
        return self.counts.queued

    @property
    def started(self) -> int:
        return self.counts.started


@dataclass(frozen=True, slots=True)
class Oldest:
    """Who has waited longest for room."""

    id: str
    waited_s: float


@dataclass(frozen=True, slots=True)
class Overview:
    """A namespace in numbers."""

    queued: int  #: placed on a node, not yet started
    started: int
    waiting: int
    delayed: int
    deferred: int  #: with those that wait for another of their group to choose a node
    finished: int  #: of these what is still kept
    failed: int
    canceled: int
    infeasible: int  #: of those that wait
    oldest: Oldest | None
    shapes: list[Waiting]  #: what waits, by shape: what is infeasible first, then the most
    nodes: Mapping[NodeState, int]
    draining: list[str]  #: names of nodes
    shared: Mapping[str, Use]  #: what the cluster as a whole has

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self)


@Call
async def read_waiting(ledger: Ledger) -> list[Waiting]:
    """Count what waits, by shape: what is infeasible first, then the most."""
    shapes = [shape.decode() for shape in await ledger.read("ZRANGE", ledger.keys("shapes"), 0, -1)]
    keys = [ledger.keys("shape", shape) for shape in shapes]
    counts = await ledger.read_each([("ZCARD", key) for key in keys])
    heads = await ledger.read_each([("ZRANGE", key, 0, 0) for key in keys])
    ids = [head[0].decode() if head else "" for head in heads]
    jobs = await _read_heads(ledger, ids)
    able = await count_able(ledger, [_demand(job) or shape for job, shape in zip(jobs, shapes, strict=True)])
    now_ms = await now_of(ledger)
    found = [
        _waiting(shape, count, id, job, now_ms, able)
        for shape, count, id, job in zip(shapes, counts, ids, jobs, strict=True)
        if count
    ]
    return sorted(found, key=lambda waiting: (not waiting.infeasible, -waiting.count, str(waiting)))


async def find_shapes(ledger: Ledger, asked: str) -> list[str]:
    """The shapes that wait and are called so: by their text, or by their cost, as `memory=500,cpu=2`."""
    shapes = [shape.decode() for shape in await ledger.read("ZRANGE", ledger.keys("shapes"), 0, -1)]
    cost = {part.strip() for part in asked.split(",")}
    return [shape for shape in shapes if shape == asked or _typed(shape) == cost]


def _typed(shape: str) -> set[str]:
    """What a shape costs, as people write it."""
    return {f"{name}={value}" for name, value in amounts(asked_for(read_shape(shape).cost)).items()} or {"slots=1"}


async def _read_heads(ledger: Ledger, ids: Sequence[str]) -> list[StoredJob]:
    values = await ledger.read_each([("HMGET", ledger.keys("rq_job", id), *names_of(_HEAD)) for id in ids])
    return [StoredJob.of(_HEAD, each) for each in values]


def _waited_s(job: StoredJob, now_ms: int) -> float | None:
    since = job.bytes("since")
    return max(0, now_ms - int(since)) / 1000 if since.isdigit() else None


def _demand(job: StoredJob) -> str:
    return job.bytes("demand").decode(errors="replace")


def _waiting(text: str, count: int, first: str, job: StoredJob, now_ms: int, able: Mapping[str, int]) -> Waiting:
    shape, demand = read_shape(text), _demand(job) or text
    pin, where = place_in_words(shape.terms)
    return Waiting(
        cost=amounts(asked_for(shape.cost)),
        node=pin,
        where=where or None,
        count=count,
        shape=text,
        infeasible=able.get(demand) == 0,
        second_choice=first_shape(demand) != text,
        waited_s=_waited_s(job, now_ms),
        first=first or None,
    )


async def _read_oldest(ledger: Ledger, shapes: Sequence[Waiting]) -> Oldest | None:
    """Who of all has waited longest: the first of each priority, or of each shape; of equals who is to go first."""
    firsts = await places.first_of_line(ledger, ledger.keys("waiting"))
    jobs = await _read_heads(ledger, firsts)
    now_ms = await now_of(ledger)
    waited = [(_waited_s(job, now_ms), id) for id, job in zip(firsts, jobs, strict=True)]
    waited += [(shape.waited_s, shape.first) for shape in shapes if shape.first]
    found = [(seconds, id) for seconds, id in waited if seconds is not None]
    if not found:
        return None
    seconds, id = max(found, key=lambda each: each[0])
    return Oldest(id, seconds)


async def _count_ended(ledger: Ledger, stands: Sequence[Stand]) -> dict[str, int]:
    """What RQ still keeps of what has ended, by state: on nodes, in the lobby, and on nodes that are gone."""
    on_nodes = {stand.node.name: stand.counts for stand in stands}
    others = [name for name in await places.read_names(ledger) if name not in on_nodes]
    counts = [*on_nodes.values(), *(await count_on(ledger, others)).values()]
    return {state: sum(getattr(each, state) for each in counts) for state in places.REGISTRIES}


@Call
async def read_shared(ledger: Ledger) -> dict[str, Use]:
    """What the cluster has as a whole, with its use; without the limits of runs."""
    return {
        name: use
        for books in await read_nodes(ledger, SHARED)
        for name, use in use_of(books).items()
        if not is_run_token(name)
    }


@Call
async def read_stands(ledger: Ledger) -> list[Stand]:
    """All nodes in order of first registration, with how many functions stand on each."""
    # By a tick nodes may be lost.
    await has_ticked(ledger)
    nodes = await read_nodes(ledger)
    counts = await count_on(ledger, [node.name for node in nodes])
    return [Stand(node, counts[node.name]) for node in nodes]


@Call
async def read_overview(ledger: Ledger, stands: Sequence[Stand] | None = None) -> Overview:
    """Count functions by state, and nodes by theirs; `stands` if the nodes were read just now."""
    stands = await read_stands(ledger) if stands is None else stands
    states = [stand.node.state for stand in stands]
    waiting, delayed, in_lobby = await ledger.read_each(
        [
            ("ZCARD", ledger.keys("waiting")),
            ("ZCARD", ledger.keys("delayed")),
            ("ZCARD", ledger.keys("rq_deferred", ledger.keys.queue())),
        ]
    )
    shapes = await read_waiting(ledger)
    ended = await _count_ended(ledger, stands)
    return Overview(
        queued=sum(stand.queued for stand in stands),
        started=sum(stand.started for stand in stands),
        waiting=waiting,
        delayed=delayed,
        deferred=max(0, in_lobby - waiting - delayed),
        finished=ended["finished"],
        failed=ended["failed"],
        canceled=ended["canceled"],
        infeasible=sum(shape.count for shape in shapes if shape.infeasible and not shape.second_choice),
        oldest=await _read_oldest(ledger, shapes),
        shapes=shapes,
        nodes={state: states.count(state) for state in get_args(NodeState)},
        draining=[stand.node.name for stand in stands if stand.node.state == "draining"],
        shared=await read_shared(ledger),
    )
