"""What is remembered of who could hold a shape is so, and what is held is held for one that waits."""

from __future__ import annotations

from collections.abc import Collection

from handoff.ledger.nodes import SHARED, Node
from support.invariants.lines import joined_lines
from support.invariants.nodes import indexed
from support.invariants.shapes import allows, family, most, parse_hold, parse_shape, parts_of
from support.ledger import Ledger, bit_at, bits


def check_able(ledger: Ledger, nodes: list[Node]) -> None:
    """What is remembered of who could hold a shape is so."""
    for text, count in ledger.get("able").items():
        shape = parse_shape(text)
        part, cost = parts_of(ledger, shape)
        enough = all(units <= ledger.shared.capabilities[name] for name, units in part.items())
        able = [
            node
            for node in nodes
            if enough
            and bit_at(ledger, "live", int(ledger.get("nodes")[node.name]))
            and allows(node, shape)
            and all(units <= most(indexed(node, is_idle=True), name, units) for name, units in cost.items())
        ]
        assert text in ledger.lines, text
        assert int(count) == len(able), (text, count, able)


def check_holds(ledger: Ledger, touched: Collection[str]) -> None:
    """What is held is held for one that waits, and open to it."""
    fields_of = {**ledger.nodes, SHARED: ledger.get(f"node:{SHARED}")}
    held = {name: parse_hold(fields) for name, fields in fields_of.items() if "hold" in fields}
    assert ledger.get("holds") == {name: hold.rank for name, hold in held.items()}
    assert bits(ledger, "withheld") == {int(ledger.get("nodes")[name]) for name in held if name != SHARED}
    for name, hold in held.items():
        assert fields_of[name]["state"] == "up", (name, hold)
        assert not fields_of[name].keys() & {"quiet", "draining"}, (name, hold)
        assert hold.job in touched or ledger.get("waiting")[hold.job] == hold.rank, (name, hold)
        assert hold.lacks <= {
            family(part) for text in joined_lines(ledger, hold.job) for part in parse_shape(text).cost
        }
