"""A store that asks every operation twice."""

from __future__ import annotations

from typing import Any

from handoff.ledger.store import Store
from support.ledger import read_ledger


class RepeatingStore(Store):
    """While `again` is set, asks every operation twice: the reply must be the same, and nothing more may change."""

    again = False
    #: A second `deregister` answers "unknown", as does a second undraining of a node that is away; a tick goes on where
    #: it was.
    UNLIKE = frozenset({"deregister", "tick"})
    #: These end what is held for somebody, so a second one ends what was held by the first.
    END_HOLDS = frozenset({"register", "register_node", "share"})

    def run_noting(self, script: str, *rest: Any, **arguments: Any) -> tuple[list[Any], bool]:
        reply, resent = super().run_noting(script, *rest, **arguments)
        is_unlike = script in self.UNLIKE or reply == ["again"] or reply == ["open"] or self._ends_holds(script)
        if self.again and not is_unlike:
            before = read_ledger(self).without("events", "able", "fronts")
            second, _ = super().run_noting(script, *rest, **arguments)
            assert _unordered(script, second) == _unordered(script, reply)
            after = read_ledger(self).without("events", "able", "fronts")
            assert after == before.without_expired_workers(after)
        return reply, resent

    def _ends_holds(self, script: str) -> bool:
        return script in self.END_HOLDS and bool(self.client.exists(self.keys("holds")))


def _unordered(script: str, reply: list[Any]) -> list[Any]:
    """A reply without the order of the fields of a hash: the server's own, and not always the same."""
    match script, reply:
        case "finish", ["done", outcomes, started, *rest]:
            return ["done", outcomes, [(id, _fields(job), *more) for id, job, *more in started], *rest]
        case "share", [tag, amounts]:
            return [tag, sorted(map(str, amounts))]
        case _:
            return reply


def _fields(job: list[list[Any]]) -> dict[Any, Any]:
    """What a job's hash says: the last of a field holds."""
    flat = [part for parts in job for part in parts]
    return dict(zip(flat[::2], flat[1::2], strict=True))
