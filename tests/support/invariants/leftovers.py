"""Invariant 5: every key belongs to a node, to something that waits, or is permanent or about to expire."""

from __future__ import annotations

from collections.abc import Collection

from handoff.ledger.nodes import SHARED
from handoff.words.resources import SLOTS
from support.invariants.shapes import parse_shape
from support.ledger import Ledger, below

_KINDS_OF_OWN = frozenset(
    {
        "nodes", "node", "leases", "lost", "held", "running", "abandoned", "epoch", "live", "open", "planes", "plane",
        "labels", "label", "classes", "class", "alike", "order", "waiting", "shapes", "shape", "heads", "need",
        "spots", "spot_planes", "spot", "terms", "term", "overtaking", "noted", "fronts", "withheld", "able", "holds",
        "timers", "drained", "delayed", "callbacks", "dirty", "claims", "claim_ends", "released", "gone", "handed",
        "past", "events", "tick", "sweep", "prune", "run", "runs", "run_of", "next", "missing", "active", "groups",
        "parked", "parcel", "graph", "end", "grouped", "unfolding", "clock", "lengths", "renewed",
    }
)  # fmt: skip
"""What may be found between two scripts; `scratch` lives within one."""


def check_nothing_is_left(ledger: Ledger, touched: Collection[str]) -> None:
    for key, value in ledger.own.items():
        kind, _, of = key.partition(":")
        assert kind in _KINDS_OF_OWN, f"{key} outlived its script, or is not in the schema"
        if kind in ("node", "held", "running"):
            assert of in ledger.nodes or (of == SHARED and kind != "running"), key
        elif kind in ("plane", "planes", "live", "open"):
            assert ledger.nodes, key
        elif kind == "dirty":
            assert value.keys() <= {*ledger.nodes, SHARED}, value
    drained = {what.partition("|")[2] for what in ledger.get("timers") if what.startswith("drain|")}
    assert drained <= {name for name, fields in ledger.nodes.items() if "draining" in fields}
    known = {f"{ledger.namespace}.{name}" for name in ledger.nodes}
    for name, _ in below(ledger.rq, "worker"):
        queue = name.removesuffix(":executions")
        assert queue in known, name
        assert ledger.nodes[queue.removeprefix(f"{ledger.namespace}.")]["kind"] == "leased", name
    for name in ledger.nodes:
        executions = ledger.rq.get(f"worker:{ledger.namespace}.{name}:executions", set())
        in_doubt = executions ^ ledger.get(f"running:{name}").keys()
        assert {id.rpartition(":")[0] for id in in_doubt} <= set(touched), (name, in_doubt)
    assert all(SLOTS in parse_shape(text).cost for text in ledger.lines)
