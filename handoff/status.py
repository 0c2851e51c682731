"""What stands where, for people: a namespace in numbers, one node, one function; read and never changed.

Bounded by the number of nodes and of waiting shapes, however many functions there are. Not one moment: what moves
between two reads may be counted twice or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from handoff import work
from handoff.books import Books
from handoff.nodes import Node, read_nodes
from handoff.resources import SLOTS, UNIT, UNLIMITED, Amount, amount, amounts, parse_cost
from handoff.serializer import Serializer
from handoff.shape import parse_cost_text
from handoff.store import Store

LONGEST_RESULT = 200
"""Characters of a result that are shown; the whole of it is for whoever waits for it."""

NodeState = Literal["up", "quiet", "over", "lost"]
"""Functions are placed on nodes that are `up`, and on no others.

`quiet`: its agent was told to take no more. `over`: more is held than its capabilities, which were lowered. `lost`:
its lease is over.
"""


@dataclass(frozen=True, slots=True)
class Use:
    """How much of one resource of a node is in use."""

    used: Amount
    capacity: Amount  #: 0 for what is held of a resource that the node no longer lists
    devices: Mapping[int, Amount] | None  #: index -> its share in use; None for a resource that is a sum


@dataclass(frozen=True, slots=True)
class Waiting:
    """Functions of one shape that wait for room."""

    cost: Mapping[str, Amount]  #: without the slot that everything needs
    node: str | None  #: where they are pinned
    count: int

    def __str__(self) -> str:
        return in_words(self.cost) + (f" on {self.node}" if self.node else "")


@dataclass(frozen=True, slots=True)
class Overview:
    """A namespace in numbers."""

    queued: int  #: placed on a node, not yet started
    started: int
    waiting: int
    delayed: int
    shapes: list[Waiting]  #: what waits, by shape, the most first
    nodes: Mapping[NodeState, int]


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
    cost: Mapping[str, Amount]
    pinned: str | None
    reason: str  #: one sentence
    result: str | None  #: its repr, shortened; None unless it finished
    error: str | None  #: type and message; None unless it failed
    created_at: str | None
    started_at: str | None
    ended_at: str | None


def in_words(cost: Mapping[str, Amount]) -> str:
    """Say a cost: `cpu 2, memory 500`."""
    return ", ".join(f"{name} {value}" for name, value in cost.items()) or "a slot"


def read_states(store: Store, nodes: Sequence[Node]) -> list[NodeState]:
    """Say of each of these nodes whether functions are placed on it, and if not why."""
    marks = store.read_together(*(("HMGET", store.keys("node", node.name), "over", "quiet") for node in nodes))
    return [_state(node.live, *mark) for node, mark in zip(nodes, marks, strict=True)]


def _state(live: bool, over: bytes | None, quiet: bytes | None) -> NodeState:
    if not live:
        return "lost"
    if over:
        return "over"
    return "quiet" if quiet else "up"


def use_of(node: Node) -> dict[str, Use]:
    """List every resource of a node with its use; slots only where they were given."""
    names = [name for name, units in node.capabilities.items() if (name, units) != (SLOTS, UNLIMITED)]
    names += [name for name, units in node.used.items() if units and name not in node.capabilities]
    return {
        name: Use(
            amount(node.used.get(name, 0)),
            amount(node.capabilities.get(name, 0)),
            {index: amount(UNIT - free) for index, free in sorted(node.devices[name].items())}
            if name in node.devices
            else None,
        )
        for name in names
    }


def read_waiting(store: Store) -> list[Waiting]:
    """Count what waits, by shape, the most first."""
    shapes = [shape.decode() for shape in store.read("ZRANGE", store.keys("shapes"), 0, -1)]
    counts = store.read_together(*(("ZCARD", store.keys("shape", shape)) for shape in shapes))
    found = [Waiting(*_parse_shape(shape), count) for shape, count in zip(shapes, counts, strict=True) if count]
    return sorted(found, key=lambda waiting: (-waiting.count, str(waiting)))


def read_overview(store: Store) -> Overview:
    """Count functions by state, and nodes by theirs."""
    nodes = read_nodes(store)
    states = read_states(store, nodes)
    shapes = read_waiting(store)
    delayed, *stand = store.read_together(
        ("ZCARD", store.keys("delayed")),
        *(("LLEN", store.keys("rq_queue", store.keys.queue(node.name))) for node in nodes),
        *(("ZCARD", store.keys("running", node.name)) for node in nodes),
    )
    return Overview(
        queued=sum(stand[: len(nodes)]),
        started=sum(stand[len(nodes) :]),
        waiting=sum(waiting.count for waiting in shapes),
        delayed=delayed,
        shapes=shapes,
        nodes={state: states.count(state) for state in get_args(NodeState)},
    )


_FIELDS = ("h_shape", "h_cancel", "description", "created_at", "started_at", "ended_at")


def read_function(store: Store, id: str) -> FunctionStatus:
    """Read all that is known of one function. Raises `UnknownFunction`."""
    record = work.look(store, id)
    values = store.read("HMGET", store.keys("rq_job", id), *_FIELDS)
    fields = {name: value.decode() for name, value in zip(_FIELDS, values, strict=True) if value}
    shape = fields.get("h_shape", "")
    cost, pin = _parse_shape(shape)
    result, error = None, None
    match record.status:
        case "finished":
            result, reason = _result(record, ours=bool(shape)), f"finished{_at(record)}"
        case "failed":
            attempts = f"{record.attempts} attempt{'' if record.attempts == 1 else 's'}"
            error, reason = _error(record), f"failed{_at(record)} after {attempts}"
        case "canceled":
            reason = f"canceled{_at(record)}" if record.attempts else "canceled before it started"
        case "started":
            reason = f"runs{_at(record)}" + (", and is being canceled" if "h_cancel" in fields else "")
        case "queued":
            reason = f"placed{_at(record)}, and not yet started" + _why_not_started(store, record)
        case "waiting":
            reason = _why_waiting(store, id, shape)
        case "delayed":
            reason = _until_when(store, record)
        case _:
            reason = "waits for what it depends on"
    return FunctionStatus(
        id=id,
        function_id=record.function_id,
        description=fields.get("description", ""),
        status=record.status,
        node=record.node,
        devices=record.devices,
        attempts=record.attempts,
        cost=cost,
        pinned=pin,
        reason=reason,
        result=result,
        error=error,
        created_at=fields.get("created_at"),
        started_at=fields.get("started_at"),
        ended_at=fields.get("ended_at"),
    )


def _why_not_started(store: Store, record: work.Record) -> str:
    if store.read("EXISTS", store.keys("rq_suspended")):
        return ": `rq suspend` keeps all agents from starting anything until `rq resume`"
    if record.node and any(node.kind == "static" for node in read_nodes(store, record.node)):
        return f": no agent runs node {record.node}, it was registered by hand"
    return ""


def _parse_shape(text: str) -> tuple[dict[str, Amount], str | None]:
    """What its functions cost besides their slot, and where they are pinned."""
    # Node names may hold an @ too; resource names never do, so the first one divides.
    cost, _, pin = text.partition("@")
    return amounts({name: units for name, units in parse_cost_text(cost).items() if name != SLOTS}), pin or None


def _at(record: work.Record) -> str:
    with_devices = "".join(f", {name} {' '.join(map(str, held))}" for name, held in record.devices.items())
    return f" on {record.node}{with_devices}" if record.node else ""


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
    return f"{record.error or 'unknown'}: {record.message}".removesuffix(": ")


def _why_waiting(store: Store, id: str, shape: str) -> str:
    cost, pin = _parse_shape(shape)
    wanted = in_words(cost)
    candidates = [node for node in read_nodes(store) if node.live and pin in (None, node.name)]
    able = sum(_idle(node).fits({SLOTS: UNIT, **parse_cost(cost)}) for node in candidates)
    where = f"node {pin}" if pin else "a node"
    if not able:
        return f"waits for {where} with {wanted}: none that is live has it, even when idle"
    before = store.read("ZRANK", store.keys("shape", shape), id) or 0
    ahead = f", with {before} of the same shape before it" if before else ""
    could = "" if pin else f": {able} live node{'' if able == 1 else 's'} could hold it when idle"
    return f"waits until {where} has room for {wanted}{ahead}{could}"


def _idle(node: Node) -> Books:
    sums = {name: units for name, units in node.capabilities.items() if name not in node.devices}
    return Books(sums, {name: dict.fromkeys(free, UNIT) for name, free in node.devices.items()})


def _until_when(store: Store, record: work.Record) -> str:
    due_ms = store.read("ZSCORE", store.keys("delayed"), record.job_id)
    seconds, microseconds = store.read("TIME")
    now_ms = store.now_ms or int(seconds) * 1000 + int(microseconds) // 1000
    left_s = max(0.0, (float(due_ms or 0) - now_ms) / 1000)
    return f"attempt {record.attempts} failed: the next one is due in {left_s:.1f} s"
