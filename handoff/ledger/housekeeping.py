"""Housekeeping by clients, above all by those that wait: nothing depends on agents alone."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable
from typing import Any

from handoff.ledger.store import Store

WAIT_SLICE_S = 0.5
"""Waiters look again this often: a result whose key was deleted never wakes anybody. Each look also ticks, so that what
becomes due while only clients are alive is noticed within a second."""


def tick(store: Store) -> None:
    """Do one slice of what is due by the clock or was left over, and more while there is more."""
    _tick(store.run)


def _tick(run: Callable[..., list[Any]]) -> None:
    while True:
        reply = run("tick", room=0, token=uuid.uuid4().hex)
        if reply[0] == "busy" or not reply[1]:
            return


def await_entry(store: Store, stream: str, after: bytes = b"0-0", seconds: float = math.inf) -> None:
    """Wait on the server until a stream has an entry after that one, for so long or until it is time to look again."""
    slice_ms = max(1, math.ceil(min(WAIT_SLICE_S, seconds) * 1000))
    if not store.read("XREAD", "BLOCK", slice_ms, "STREAMS", stream, after):
        store.aside(lambda: _tick(store.attempt))
