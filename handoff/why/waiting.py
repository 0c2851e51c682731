"""Why a function waits for room: what is short on each kind of node, who has it, and what would let it start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from handoff.ledger.nodes import SHARED
from handoff.ledger.phrases import in_words, items_in_words
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.cost import asked_for, read_pairs
from handoff.ledger.texts.demand import Demand
from handoff.ledger.texts.index_name import read_index_name
from handoff.ledger.texts.list import read_list
from handoff.ledger.texts.node_class import NodeClass, read_node_class
from handoff.ledger.texts.shortfall import read_item, read_shortfall
from handoff.why.explanation import Explanation
from handoff.why.holders import holder, shown, shown_amounts
from handoff.why.waiting_sentence import WaitingSentence
from handoff.words.constraints import pinned_to
from handoff.words.resources import MEMORY_SUFFIX, SLOTS, UNLIMITED, Amount, amount, amounts
from handoff.words.times import moment
from handoff.words.variants import NO_COST

_SHARED_CLASS = NodeClass({}, {})
"""What all share is told of like a node that has nothing of its own."""


def explain_waiting(
    id: str,
    job: StoredJob,
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
    """Put what the script tells of one that waits into words; the parts are as its header says."""
    demand = job.demand or Demand(NO_COST, ())
    variants = [
        _Variant(amounts(asked_for(variant.cost)), ms / 1000 or None)
        for variant, ms in zip(demand.variants, joins, strict=True)
    ]
    counting = [i for i, variant in enumerate(variants) if variant.joins_s is None]
    waits_s = [variant.joins_s for variant in variants if variant.joins_s is not None]
    asked = counting or range(len(variants))
    short = [_kind(variants, *kind) for kind in kinds]
    told = [holder(each, now_ms) for each in holders[1]]
    smallest_change = _change(variants, change, now_ms)
    listed_holds = [_hold(*hold) for hold in holds]
    sentence = WaitingSentence(
        wanted=" or ".join(in_words(variants[i].cost) for i in asked),
        counts_s=None if counting else min(waits_s),
        pinned=pinned_to(demand.terms),
        able=able[1],
        unfit=read_shortfall(unfit.decode()),
        nearest=nearest[1].decode() if nearest else None,
        missing=_sorted(nearest[2]) if nearest else {},
        room=room.decode(),
        before=max(0, places[0] - 1),
        short=[entry for entry in short if entry["variant"] in (nearest[:1] or asked)],
        holders=told,
        count=holders[0],
        change=smallest_change,
        holds=listed_holds,
        now_ms=now_ms,
        start_s=max(0, ends_ms[0] - now_ms) / 1000 if ends_ms[0] else None,
    )
    limits = {"start": ends_ms[0], "fitness": ends_ms[1]}
    return Explanation(
        id=id,
        function_id=job.text("function") or id,
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
        waits_for=[until(kind, due_ms, now_ms) for kind, due_ms in limits.items() if due_ms],
        dependencies=None,
        text=sentence.text(),
        own_text=sentence.own_text(),
    )


def until(kind: str, due_ms: int, now_ms: int) -> dict[str, Any]:
    """Something that is due by the clock."""
    return {"kind": kind, "until": moment(due_ms), "seconds": max(0, due_ms - now_ms) / 1000}


@dataclass(frozen=True, slots=True)
class _Variant:
    """One of the costs that the function may have."""

    cost: dict[str, Amount]
    joins_s: float | None  #: in how many seconds it counts; None: it does


def _kind(
    variants: Sequence[_Variant],
    variant: int,
    kind: bytes,
    node: bytes,
    nodes: int,
    open: int,
    room: int,
    withheld: int,
    missing: list[bytes],
    never: list[bytes],
    closed: list[bytes],
) -> dict[str, Any]:
    name = node.decode()
    found = _SHARED_CLASS if name == SHARED else read_node_class(kind.decode())
    return {
        "variant": variant,
        "cost": variants[variant].cost,
        "joins_s": variants[variant].joins_s,
        "node": name,
        "nodes": nodes,
        "resources": _capacity(found),
        "labels": dict(found.labels),
        "open": open,
        "room": room,
        "withheld": withheld,
        "missing": _sorted(missing),
        "apart": open > 0 and not (room or missing or never),
        "closed": dict(zip(("node", "how", "reason"), map(bytes.decode, closed), strict=True)) if closed else None,
        "never": items_in_words(name, (read_item(item.decode()) for item in never)),
    }


def _capacity(kind: NodeClass) -> dict[str, Amount]:
    """What the index says that a node has, in the words of those who registered it; of memory that of one device."""
    found: dict[str, Amount] = {}
    for index, units in kind.values.items():
        name, part = read_index_name(index)
        if part == "idle":
            found[name] = units
        elif part == "memory":
            found[name + MEMORY_SUFFIX] = amount(units)
        elif not part and (name, units) != (SLOTS, UNLIMITED):
            found[name] = amount(units)
    return found


def _change(variants: Sequence[_Variant], change: list[Any], now_ms: int) -> dict[str, Any] | None:
    if not change:
        return None
    kind, variant, *rest = change
    found: dict[str, Any] = {
        "kind": kind.decode(),
        "variant": variant,
        "cost": variants[variant].cost,
        "joins_s": variants[variant].joins_s,
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
            functions = [holder(each, now_ms) for each in holders]
            found |= {"node": node.decode(), "count": count, "functions": functions}
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
        "lacks": [shown(name) for name in read_list(lacks.decode())],
        "id": id.decode(),
        "function_id": function_id.decode(),
        "own": bool(own),
    }


def _sorted(pairs: list[bytes]) -> dict[str, Amount]:
    return shown_amounts(dict(sorted(read_pairs(pairs).items())))
