"""The invariants of the ledger, checked against everything that is in Redis: the same as `handoff doctor` looks at.

Meant for moments at which nobody writes.
"""

from __future__ import annotations

from collections.abc import Collection

from handoff.doctor.picture import Picture, amounts_in, below
from handoff.doctor.violation import Violation
from handoff.doctor.whole import check_all
from handoff.ledger.store import Store
from support.ledger import Held, Ledger, read_ledger

__all__ = ["Held", "Ledger", "assert_nothing_held", "below", "check_books", "check_ledger", "read_ledger"]


def check_books(store: Store, *, touched: Collection[str] = ()) -> None:
    """Raise AssertionError where one of the invariants does not hold.

    `touched` are jobs that rq's tools canceled or deleted and that no script has come across since: of these a
    reservation or a place in a line may be left.
    """
    check_ledger(read_ledger(store), touched)


def check_ledger(ledger: Picture, touched: Collection[str] = ()) -> None:
    """As `check_books`, of what was read already."""
    found = [violation for violation in check_all(ledger) if not _is_of(violation, touched)]
    assert found == [], "\n".join(map(str, found))


def _is_of(violation: Violation, touched: Collection[str]) -> bool:
    return violation.passing and violation.job in touched


def assert_nothing_held(store: Store) -> None:
    """Raise AssertionError unless every node is idle and nothing waits."""
    ledger = read_ledger(store)
    assert ledger.held == {}
    for name, fields in ledger.nodes.items():
        assert not any(int(used) for used in amounts_in(fields, "used").values()), (name, fields)
    for key in ("waiting", "delayed", "timers", "claims", "holds"):
        assert ledger.get(key) == {}, key
    assert ledger.lines == {}
