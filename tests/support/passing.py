"""Time that passes on a store's own clock, while the scripts of others run as they do on a server that is there."""

from __future__ import annotations

from typing import Any

from handoff.ledger.store import Store


def pass_ms(store: Store, ms: int) -> None:
    """Let time pass that is nobody's outage. Below 0, the clock is set back, just after a script has run."""
    client: Any = store.client
    clock = store.keys("clock")
    ahead_ms = int(client.hget(clock, "ahead") or 0)
    before_ms, store.now_ms = store.now_ms, store.now_ms + ms
    client.hset(clock, mapping={"last": max(before_ms, store.now_ms) + ahead_ms, "gap": 0})
