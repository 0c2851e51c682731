"""The invariants of the ledger, checked against everything that is in Redis.

Reads the keys themselves and none of the scripts' words for them, so that a script that is wrong cannot vouch for
itself. Meant for moments at which nobody writes.
"""

from __future__ import annotations

from collections.abc import Collection

from handoff.ledger.nodes import Node, read_nodes
from handoff.ledger.store import Store
from support.invariants.conservation import check_work_conservation
from support.invariants.holds import check_able, check_holds
from support.invariants.leftovers import check_nothing_is_left
from support.invariants.lines import check_index_of_shapes, check_lines
from support.invariants.nodes import (
    check_amounts,
    check_bits,
    check_claims,
    check_classes,
    check_labels,
    check_node_states,
    check_shared,
)
from support.invariants.places import check_places
from support.invariants.runs import check_runs
from support.ledger import Held, Ledger, amounts_in, below, read_ledger

__all__ = ["Held", "Ledger", "assert_nothing_held", "below", "check_books", "check_ledger", "read_ledger"]


def check_books(store: Store, *, touched: Collection[str] = ()) -> None:
    """Raise AssertionError where one of the five invariants does not hold.

    `touched` are jobs that rq's tools canceled or deleted and that no script has come across since: of these a
    reservation or a place in a line may be left.
    """
    check_ledger(read_ledger(store), read_nodes(store), touched)


def check_ledger(ledger: Ledger, nodes: list[Node], touched: Collection[str] = ()) -> None:
    """As `check_books`, of what was read already. The nodes only tell which of them are live."""
    assert [node.name for node in nodes] == list(ledger.nodes)
    for node in nodes:
        check_amounts(ledger, node)
        check_bits(ledger, node)
    check_shared(ledger)
    check_labels(ledger)
    check_classes(ledger, nodes)
    check_node_states(ledger)
    check_claims(ledger)
    check_runs(ledger.own, ledger.jobs, ledger.rq, touched)
    check_places(ledger, touched)
    check_lines(ledger, touched)
    check_index_of_shapes(ledger)
    check_able(ledger, nodes)
    check_holds(ledger, touched)
    check_work_conservation(ledger, nodes)
    check_nothing_is_left(ledger, touched)


def assert_nothing_held(store: Store) -> None:
    """Raise AssertionError unless every node is idle and nothing waits."""
    ledger = read_ledger(store)
    assert ledger.held == {}
    for name, fields in ledger.nodes.items():
        assert not any(int(used) for used in amounts_in(fields, "used").values()), (name, fields)
    for key in ("waiting", "delayed", "timers", "claims", "holds"):
        assert ledger.get(key) == {}, key
    assert ledger.lines == {}
