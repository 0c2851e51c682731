"""Housekeeping by clients, above all by those that wait: nothing depends on agents alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from handoff.errors import StoreUnavailable
from handoff.ledger.replies import entries_of
from handoff.ledger.result_entry import Entry
from handoff.ledger.store import Store
from handoff.ledger.turns import EVERY_MS
from handoff.words.ids import new_id

WAIT_SLICE_S = 0.5
"""Waiters look again this often: a result whose key was deleted never wakes anybody. Each look also ticks, so that what
becomes due while only clients are alive is noticed within a second."""


def tick(store: Store) -> None:
    """Do one slice of what is due by the clock or was left over, and more while there is more."""
    _tick(store, store.read_each, store.run)


def takes_turn(store: Store, ask: Callable[[Sequence[tuple[Any, ...]]], list[Any]] | None = None) -> bool:
    """Whether the caller is the one that ticks now: by a plain command, for most that ask are not.

    `ask` sends plain commands, by default once. Tests, which give their own time, take no turns.
    """
    if store.now_ms:
        return True
    ask, key = ask or store.once, store.keys("tick")
    took, left_ms = ask([("SET", key, "0", "NX", "PX", EVERY_MS), ("PTTL", key)])
    # It expires by the server's clock, and stays for as long as that is set back.
    if took or 0 <= left_ms <= EVERY_MS:
        return bool(took)
    ask([("SET", key, "0", "PX", EVERY_MS)])
    return True


def _tick(store: Store, ask: Callable[[Sequence[tuple[Any, ...]]], list[Any]], run: Callable[..., list[Any]]) -> None:
    while takes_turn(store, ask):
        if not run("tick", room=0, token=new_id())[1]:
            return


def _tick_for_all(store: Store) -> None:
    """Tick, once for all of this process that wait on the namespace. Raises `StoreUnavailable`, of whoever did."""
    if not store.turn.is_ours():
        return
    try:
        _tick(store, store.once, store.attempt)
    except StoreUnavailable as error:
        store.turn.ended(error)
        raise
    store.turn.ended(None)


def await_entry(store: Store, stream: str, after: bytes = b"0-0", seconds: float = math.inf) -> Entry | None:
    """Wait on the server until a stream has an entry after that one, for so long or until it is time to look again.

    -> the newest entry, None where there is none yet
    """
    entry = read_entry(store, stream, after, min(WAIT_SLICE_S, seconds))
    if entry is None:
        store.aside(lambda: _tick_for_all(store))
    return entry


def read_entry(store: Store, stream: str, after: bytes, seconds: float) -> Entry | None:
    """Wait on the server until a stream has an entry after that one, for at most so long. -> the newest, if any"""
    found = entries_of(store.read("XREAD", "BLOCK", max(1, math.ceil(seconds * 1000)), "STREAMS", stream, after))
    return found[-1] if found else None
