"""What stands where, for people: a namespace in numbers, one node, one function; read and never changed.

Bounded by the number of nodes and of waiting shapes, however many functions there are. Not one moment: what moves
between two reads may be counted twice or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from handoff.errors import FunctionFailed, HandoffError
from handoff.ledger import functions as work
from handoff.ledger.nodes import SHARED, Node, read_nodes
from handoff.ledger.reason import in_words, terms_in_words
from handoff.ledger.store import Store
from handoff.ledger.texts.shape import asked_for, is_run_token, parse_cost_text, parse_demand
from handoff.serializer import Serializer
from handoff.why.explain import explain
from handoff.words.constraints import parse_terms, pinned_to
from handoff.words.resources import SLOTS, UNIT, UNLIMITED, Amount, amount, amounts, device_of

LONGEST_RESULT = 200
"""Characters of a result that are shown; the whole of it is for whoever waits for it."""

NodeState = Literal["up", "quiet", "over", "draining", "lost"]
"""Functions are placed on nodes that are `up`, and on no others.

`quiet`: its agent was told to take no more. `over`: more is held than its capabilities, which were lowered. `draining`:
it is being emptied, or is empty, until it is undrained. `lost`: its lease is over.
"""


@dataclass(frozen=True, slots=True)
class Use:
    """How much of one resource of a node is in use."""

    used: Amount
    capacity: Amount  #: 0 for what is held of a resource that the node no longer lists
    devices: Mapping[int, Amount] | None  #: index -> what is in use of it; None for a resource that is a sum
    sizes: Mapping[int, Amount] | None = None  #: of memory of devices: index -> all of it


@dataclass(frozen=True, slots=True)
class Hold:
    """A node is held for a function that was overtaken too often: later ones do not use what it lacks there."""

    id: str  #: the function's
    lacks: list[str]


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


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the costs that a function may have."""

    cost: Mapping[str, Amount]
    after_s: float  #: it counts after so many seconds of waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionStatus:
    """One function: where it stands, and why there. The times are RQ's, in UTC; None: not yet."""

    id: str
    function_id: str
    description: str  #: the call as RQ shows it
    status: str  #: API's word
    node: str | None  #: where it is placed, runs or ran
    devices: Mapping[str, list[int]]
    attempts: int
    cost: Mapping[str, Amount]  #: what it was placed with last, else its first choice
    variants: list[Variant]  #: all that it may cost, in order of preference
    variant: int | None  #: which of them it was placed with
    pinned: str | None
    where: str | None  #: what else must hold of a node, in words
    reason: str  #: one sentence
    result: str | None  #: its repr, shortened; None unless it finished
    error: str | None  #: type and message; None unless it failed
    created_at: str | None
    started_at: str | None
    ended_at: str | None


def read_states(store: Store, nodes: Sequence[Node]) -> list[NodeState]:
    """Say of each of these nodes whether functions are placed on it, and if not why."""
    marks = store.read_together(*(("HMGET", store.keys("node", node.name), "over", "quiet") for node in nodes))
    return [_state(node, *mark) for node, mark in zip(nodes, marks, strict=True)]


def _state(node: Node, over: bytes | None, quiet: bytes | None) -> NodeState:
    if not node.live:
        return "lost"
    if node.draining is not None:
        return "draining"
    if over:
        return "over"
    return "quiet" if quiet else "up"


def use_of(node: Node) -> dict[str, Use]:
    """List every resource of a node with its use; slots only where they were given."""
    names = [name for name, units in node.capabilities.items() if (name, units) != (SLOTS, UNLIMITED)]
    names += [name for name, units in node.used.items() if units and name not in node.capabilities]
    return {name: _use(node, name) for name in names}


def _use(node: Node, name: str) -> Use:
    used, capacity = amount(node.used.get(name, 0)), amount(node.capabilities.get(name, 0))
    if name in node.devices:
        shares = {index: UNIT - free for index, free in sorted(node.devices[name].items())}
        return Use(used, capacity, _by_index(shares))
    if device_of(name) in node.memory:
        memory = sorted(node.memory[device_of(name)].items())
        held = {index: total - free for index, (free, total) in memory}
        return Use(used, capacity, _by_index(held), _by_index({index: total for index, (_, total) in memory}))
    return Use(used, capacity, None)


def _by_index(units: Mapping[int, int]) -> dict[int, Amount]:
    return {index: amount(value) for index, value in units.items()}


def hold_on(node: Node) -> Hold | None:
    """For whom a node is held."""
    if not node.hold:
        return None
    _, id, lacks = node.hold.split("|")
    return Hold(id, lacks.split(","))


def read_waiting(store: Store) -> list[Waiting]:
    """Count what waits, by shape, the most first."""
    shapes = [shape.decode() for shape in store.read("ZRANGE", store.keys("shapes"), 0, -1)]
    counts = store.read_together(*(("ZCARD", store.keys("shape", shape)) for shape in shapes))
    found = [_waiting(shape, count) for shape, count in zip(shapes, counts, strict=True) if count]
    return sorted(found, key=lambda waiting: (-waiting.count, str(waiting)))


def _waiting(shape: str, count: int) -> Waiting:
    # Node names may hold an @ too; resource names never do, so the first one divides.
    cost, _, constraints = shape.partition("@")
    return Waiting(amounts(asked_for(parse_cost_text(cost))), *_place(constraints), count)


def _place(constraints: str) -> tuple[str | None, str | None]:
    """Where something is pinned, and what else must hold of its node."""
    terms = parse_terms(constraints)
    pin = pinned_to(terms)
    others = [term for term in terms if pin is None or term.text() != f"node={pin}"]
    return pin, terms_in_words(others) or None


def read_overview(store: Store) -> Overview:
    """Count functions by state, and nodes by theirs."""
    nodes = read_nodes(store)
    states = read_states(store, nodes)
    waiting, delayed, *stand = store.read_together(
        ("ZCARD", store.keys("waiting")),
        ("ZCARD", store.keys("delayed")),
        *(("LLEN", store.keys("rq_queue", store.keys.queue(node.name))) for node in nodes),
        *(("ZCARD", store.keys("running", node.name)) for node in nodes),
    )
    return Overview(
        queued=sum(stand[: len(nodes)]),
        started=sum(stand[len(nodes) :]),
        waiting=waiting,
        delayed=delayed,
        shapes=read_waiting(store),
        nodes={state: states.count(state) for state in get_args(NodeState)},
        draining=[node.name for node, state in zip(nodes, states, strict=True) if state == "draining"],
        shared={
            name: use
            for books in read_nodes(store, SHARED)
            for name, use in use_of(books).items()
            if not is_run_token(name)
        },
    )


_FIELDS = ("h_demand", "h_variant", "h_placement", "description", "created_at", "started_at", "ended_at")


def read_function(store: Store, id: str) -> FunctionStatus:
    """Read all that is known of one function. Raises `UnknownFunction`."""
    record = work.look(store, id)
    values = store.read("HMGET", store.keys("rq_job", id), *_FIELDS)
    fields = {name: value.decode() for name, value in zip(_FIELDS, values, strict=True) if value}
    explanation = explain(store, id)
    demand = parse_demand(fields["h_demand"]) if "h_demand" in fields else [(0, {}, "")]
    variant = int(fields.get("h_variant", 0)) if "h_placement" in fields else None
    pin, where = _place(demand[0][2])
    return FunctionStatus(
        id=id,
        function_id=record.function_id,
        description=fields.get("description", ""),
        status=record.status,
        node=record.node,
        devices=record.devices,
        attempts=record.attempts,
        cost=amounts(asked_for(demand[variant or 0][1])),
        variants=[Variant(amounts(asked_for(cost)), after_ms / 1000) for after_ms, cost, _ in demand],
        variant=variant,
        pinned=pin,
        where=where,
        reason=explanation.text,
        result=_result(record, ours="h_demand" in fields) if record.status == "finished" else None,
        error=_error(record) if record.status == "failed" else None,
        created_at=fields.get("created_at"),
        started_at=fields.get("started_at"),
        ended_at=fields.get("ended_at"),
    )


def _result(record: work.Record, *, ours: bool) -> str | None:
    """A job of somebody else's may be serialized in any way."""
    if not ours:
        return None
    try:
        text = repr(work.outcome(record, Serializer))
    except work.PickledResult:
        return "(pickled, and not read here: unpickling runs code)"
    return text if len(text) <= LONGEST_RESULT else f"{text[: LONGEST_RESULT - 3]}..."


def _error(record: work.Record) -> str:
    try:
        work.outcome(record, Serializer)
    except FunctionFailed as error:
        return f"{error.exception_type}: {error.message}".removesuffix(": ")
    except HandoffError as error:
        return f"{record.error}: {error}"
    raise AssertionError(f"function {record.function_id} failed, and its outcome is no error")
