"""Why a function stands where it does: what it waits for, who holds that, and what would let it start.

Reads one script's answer and puts it into words; changes nothing. Knows neither handles nor the terminal.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from handoff.errors import UnknownFunction
from handoff.graph.plan import run_job_id
from handoff.ledger.functions import status_of
from handoff.ledger.nodes import SHARED
from handoff.ledger.reason import in_words, missing_texts
from handoff.ledger.rqmodel import TERMINAL
from handoff.ledger.runs import dependencies_of, read_chooser, read_members, read_standings
from handoff.ledger.store import Store, unlisted
from handoff.ledger.texts.shape import asked_for, is_run_token, parse_cost_text, parse_demand, parse_pairs
from handoff.why.sentences import (
    RUN_LIMIT,
    Fields,
    Waiting,
    deferred_text,
    moment,
    parked_text,
    pinned_of,
    standing_text,
)
from handoff.words.constraints import parse_labels_text
from handoff.words.resources import MEMORY_SUFFIX, SLOTS, UNLIMITED, Amount, Units, amount, amounts

MOST_OPEN = 10
"""Dependencies that are listed one by one."""

_FIELDS = (
    "status", "h_state", "h_function", "h_demand", "h_node", "h_devices", "h_attempts", "h_error", "h_message",
    "h_cancel", "h_evicted", "h_placement", "h_run", "h_group",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Where one function stood at one moment, and why.

    The keys of every dict are always there, None where there is nothing to say. Amounts are as a user writes them,
    moments ISO texts in UTC with the seconds since or until beside them, nodes are named, `*` = what all share.
    """

    id: str  #: the RQ job id
    function_id: str
    state: str
    """As `Handle.status`; "infeasible" for what waits and fits on no live node, even an idle one."""
    position: dict[str, int | None] | None
    """Of what waits: `in_shape` of `of_shape`, among those that wait for the same (None: its first variant is still to
    join), and `among_all` of `of_all`. Counted from 1."""
    short: list[dict[str, Any]]
    """For each of its variants, each kind of alike nodes: how many `nodes` (one is `node`), with which `resources` and
    `labels`; why they could `never` hold it (a sentence each), or how many are `open`, how many of these have `room`,
    how many of these are `withheld` for others; what is `missing` where there is most of each; `apart`: nothing is, but
    no node has all of it at once. `joins_s`: seconds until a variant counts."""
    holders: list[dict[str, Any]]
    """Who holds what is missing on the nearest node, longest first, at most 10: `kind` (function, claim), `id`,
    `function_id`, `node`, all its `amounts`, `since`, `seconds`. Of what is queued or runs, that itself."""
    smallest_change: dict[str, Any] | None
    """What would let it start now. By `kind`: "variant" = by another that does not count yet, on `node`; "lower" = with
    `resource` lowered `from` what is wanted `to` what there is on `node` and its like (`nodes`); "releases" = when
    these `functions` (the first 10 of `count`) have ended. Where it is infeasible, "lower_capacity": as "lower", and a
    node could then hold it."""
    overtakes: dict[str, Any] | None
    """Of the first of its shape: how often (`count`) it was overtaken `since` then by what uses what it lacks; at
    `limit`, or after `limit_s`, a node is held for it. None = no limit."""
    holds: list[dict[str, Any]]
    """Nodes that are held for it (`own`), or for the function `id` and so keep it back though they have room: `node`,
    `lacks`."""
    waits_for: list[dict[str, Any]]
    """What is due by the clock: `kind`, `until`, `seconds`. "time": it is delayed until then; "start": it fails if it
    has not started by then (its wait_ttl); "fitness": then it is looked whether any node could hold it
    (on_infeasible)."""
    dependencies: dict[str, Any] | None
    """Of one that is deferred in a run: `of` how many functions it takes results, how many have `ended`, and the first
    10 that have not (`open`): `function_id`, `id`, `state`, `node`."""
    text: str  #: one sentence

    def __str__(self) -> str:
        return self.text

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON."""
        return asdict(self)


def explain(store: Store, id: str) -> Explanation:
    """Look at one function. Raises `UnknownFunction`."""
    reply = store.run("explain", *_FIELDS, job_id=id)
    match reply:
        case ["unknown"]:
            raise UnknownFunction(id)
        case ["stands", values, int(now_ms), record, kind, suspended, int(due_ms)]:
            fields = _read(values)
            is_early = fields["status"] == "deferred" and fields.get("h_state") in ("deferred", "reserved", "parked")
            if "h_run" in fields and is_early:
                return _not_yet(store, id, fields, now_ms, record.decode())
            return _standing(id, fields, now_ms, record.decode(), kind.decode(), bool(suspended), due_ms)
        case ["waits", values, int(now_ms), *rest]:
            return _waiting(id, _read(values), now_ms, *rest)
        case _:
            raise unlisted("explain", reply)


def _read(values: list[bytes | None]) -> Fields:
    return {name: value.decode() for name, value in zip(_FIELDS, values, strict=True) if value}


# What does not wait for room.


def _standing(
    id: str, fields: Fields, now_ms: int, record: str, kind: str, suspended: bool, due_ms: int
) -> Explanation:
    state, waits_for = status_of(fields["status"], fields.get("h_state")), []
    if state == "delayed":
        waits_for = [_until("time", due_ms, now_ms)]
    text = standing_text(state, fields, kind, suspended, due_ms, now_ms)
    return _still(id, fields, now_ms, record, state, text, waits_for=waits_for)


def _still(
    id: str,
    fields: Fields,
    now_ms: int,
    record: str,
    state: str,
    text: str,
    *,
    waits_for: list[dict[str, Any]] | None = None,
    dependencies: dict[str, Any] | None = None,
) -> Explanation:
    return Explanation(
        id=id,
        function_id=fields.get("h_function", id),
        state=state,
        position=None,
        short=[],
        holders=[_own_record(id, fields, record, now_ms)] if record else [],
        smallest_change=None,
        overtakes=None,
        holds=[],
        waits_for=waits_for or [],
        dependencies=dependencies,
        text=text,
    )


# What waits for others of its run.


def _not_yet(store: Store, id: str, fields: Fields, now_ms: int, record: str) -> Explanation:
    instance, finer = fields["h_run"], fields["h_state"]
    # Of a run that expires at this moment nothing can be said but where the function stood.
    members = read_members(store, instance) or []
    if finer == "parked":
        chooser = read_chooser(store, instance, fields.get("h_group", ""))
        name = next((member.id for member in members if chooser and member.number == chooser), None)
        return _still(id, fields, now_ms, record, "waiting", parked_text(name))
    taken = dependencies_of(members, int(id.rpartition("-")[2]))
    standings = read_standings(store, instance, taken)
    left = [member for member in taken if standings[member.number].status not in (*TERMINAL, "gone")]
    dependencies = {
        "of": len(taken),
        "ended": len(taken) - len(left),
        "open": [
            {
                "function_id": member.id,
                "id": run_job_id(instance, member.number),
                "state": standings[member.number].status,
                "node": standings[member.number].node,
            }
            for member in left[:MOST_OPEN]
        ],
    }
    text = deferred_text(len(taken), [member.id for member in left], fields.get("h_node") if record else None)
    return _still(id, fields, now_ms, record, "deferred", text, dependencies=dependencies)


def _until(kind: str, due_ms: int, now_ms: int) -> dict[str, Any]:
    return {"kind": kind, "until": moment(due_ms), "seconds": max(0, due_ms - now_ms) / 1000}


def _own_record(id: str, fields: Fields, record: str, now_ms: int) -> dict[str, Any]:
    _, since_ms, cost, _, shared_cost = record.split("|")
    return _holder("function", id, fields.get("h_function", id), fields["h_node"], since_ms, cost, shared_cost, now_ms)


# What waits for room.


def _waiting(
    id: str,
    fields: Fields,
    now_ms: int,
    places: list[int],
    joins: list[int],
    able: list[int],
    unfit: bytes,
    nearest: list[Any],
    room: bytes,
    kinds: list[list[Any]],
    holders: list[Any],
    change: list[Any],
    overtaken: list[Any],
    holds: list[list[Any]],
    ends_ms: list[int],
) -> Explanation:
    costs = [asked_for(cost) for _, cost, _ in parse_demand(fields["h_demand"])]
    joins_s = [ms / 1000 or None for ms in joins]
    counting = [i for i, wait in enumerate(joins_s) if wait is None] or range(len(costs))
    short = [_kind(costs, joins_s, *kind) for kind in kinds]
    told = [_told(holder, now_ms) for holder in holders[1]]
    smallest_change = _change(costs, joins_s, change, now_ms)
    listed_holds = [_hold(*hold) for hold in holds]
    waiting = Waiting(
        wanted=" or ".join(in_words(amounts(costs[i])) for i in counting),
        counts_s=None if None in joins_s else min(filter(None, joins_s)),
        pinned=pinned_of(fields),
        able=able[1],
        unfit=unfit.decode(),
        nearest=nearest[1].decode() if nearest else None,
        missing=_sorted(nearest[2]) if nearest else {},
        room=room.decode(),
        before=max(0, places[0] - 1),
        short=[entry for entry in short if entry["variant"] in (nearest[:1] or counting)],
        holders=told,
        count=holders[0],
        change=smallest_change,
        holds=listed_holds,
        start_s=max(0, ends_ms[0] - now_ms) / 1000 if ends_ms[0] else None,
    )
    limits = {"start": ends_ms[0], "fitness": ends_ms[1]}
    return Explanation(
        id=id,
        function_id=fields.get("h_function", id),
        state="waiting" if able[0] else "infeasible",
        position={
            "in_shape": places[0] or None,
            "of_shape": places[1] or None,
            "among_all": places[2],
            "of_all": places[3],
        },
        short=short,
        holders=told,
        smallest_change=smallest_change,
        overtakes=_overtakes(now_ms, *overtaken) if overtaken else None,
        holds=listed_holds,
        waits_for=[_until(kind, due_ms, now_ms) for kind, due_ms in limits.items() if due_ms],
        dependencies=None,
        text=waiting.text(),
    )


def _kind(
    costs: list[Units],
    joins_s: list[float | None],
    variant: int,
    kind: bytes,
    node: bytes,
    nodes: int,
    open: int,
    room: int,
    withheld: int,
    missing: list[bytes],
    never: list[bytes],
) -> dict[str, Any]:
    units, _, labels = kind.decode().partition("@")
    name = node.decode()
    return {
        "variant": variant,
        "cost": amounts(costs[variant]),
        "joins_s": joins_s[variant],
        "node": name,
        "nodes": nodes,
        "resources": {} if name == SHARED else _capacity(units),
        "labels": parse_labels_text(labels),
        "open": open,
        "room": room,
        "withheld": withheld,
        "missing": _sorted(missing),
        "apart": open > 0 and not (room or missing or never),
        "never": missing_texts(name, (item.decode() for item in never)),
    }


def _capacity(text: str) -> dict[str, Amount]:
    """What the index says that a node has, in the words of those who registered it; of memory that of one device."""
    found: dict[str, Amount] = {}
    for index, units in parse_cost_text(text).items():
        name, _, part = index.partition("#")
        if part == "idle":
            found[name] = units
        elif part == "memory":
            found[name + MEMORY_SUFFIX] = amount(units)
        elif not part and (name, units) != (SLOTS, UNLIMITED):
            found[name] = amount(units)
    return found


def _told(holder: list[bytes], now_ms: int) -> dict[str, Any]:
    id, function_id, node, since_ms, cost, shared_cost = (value.decode() for value in holder)
    kind = "function" if function_id else "claim"
    return _holder(kind, id, function_id or None, node, since_ms, cost, shared_cost, now_ms)


def _holder(
    kind: str, id: str, function_id: str | None, node: str, since_ms: str, cost: str, shared_cost: str, now_ms: int
) -> dict[str, Any]:
    held = amounts(parse_cost_text(f"{cost},{shared_cost}"))
    return {
        "kind": kind,
        "id": id,
        "function_id": function_id,
        "node": node,
        "amounts": {_shown(name): value for name, value in held.items()},
        "since": moment(int(since_ms)),
        "seconds": max(0, now_ms - int(since_ms)) / 1000,
    }


def _change(costs: list[Units], joins_s: list[float | None], change: list[Any], now_ms: int) -> dict[str, Any] | None:
    if not change:
        return None
    kind, variant, *rest = change
    found: dict[str, Any] = {
        "kind": kind.decode(),
        "variant": variant,
        "cost": amounts(costs[variant]),
        "joins_s": joins_s[variant],
        "node": None,
        "nodes": None,
        "resource": None,
        "from": None,
        "to": None,
        "count": None,
        "functions": [],
    }
    match found["kind"]:
        case "variant":
            found["node"] = rest[0].decode()
        case "releases":
            node, count, holders = rest
            found |= {"node": node.decode(), "count": count, "functions": [_told(holder, now_ms) for holder in holders]}
        case _:
            resource, wanted, there, node, nodes = rest
            name, lowered = resource.decode(), amount(int(there))
            found |= {"resource": name, "from": amount(int(wanted)), "to": lowered}
            found |= {"node": node.decode(), "nodes": nodes, "cost": found["cost"] | {name: lowered}}
    return found


def _overtakes(now_ms: int, count: int, since_ms: int, limit: int, limit_ms: int) -> dict[str, Any]:
    return {
        "count": count,
        "since": moment(since_ms),
        "seconds": max(0, now_ms - since_ms) / 1000,
        "limit": limit or None,
        "limit_s": limit_ms / 1000 or None,
    }


def _hold(node: bytes, id: bytes, function_id: bytes, lacks: bytes, own: int) -> dict[str, Any]:
    return {
        "node": node.decode(),
        "lacks": [_shown(name) for name in lacks.decode().split(",")],
        "id": id.decode(),
        "function_id": function_id.decode(),
        "own": bool(own),
    }


def _shown(name: str) -> str:
    """The name of a resource; the token of a run has one that nobody has seen."""
    return RUN_LIMIT if is_run_token(name) else name


def _sorted(pairs: list[bytes]) -> dict[str, Amount]:
    return {_shown(name): value for name, value in sorted(parse_pairs(pairs).items())}
