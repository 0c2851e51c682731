"""Reading the stream of events that the scripts write: what happened, to whom, with which amounts."""

from __future__ import annotations

from handoff.ledger.store import Store
from handoff.words.times import milliseconds

MOST = 1_000
"""How many events one read brings."""


def read_events(store: Store, after: bytes, block_s: float | None) -> list[tuple[bytes, dict[str, str]]]:
    """Return what came after the entry `after`, waiting for at most `block_s` seconds where nothing did yet."""
    block = () if block_s is None else ("BLOCK", milliseconds(block_s))
    found = store.read("XREAD", "COUNT", MOST, *block, "STREAMS", store.keys("events"), after)
    if not found:
        return []
    # RESP3 gives a mapping of streams, RESP2 a list of pairs; there is one stream.
    entries = next(iter(found.values()))[0] if isinstance(found, dict) else found[0][1]
    return [(id, {name.decode(): value.decode() for name, value in fields.items()}) for id, fields in entries]
