"""Housekeeping by clients: nothing depends on agents alone."""

from __future__ import annotations

import uuid

from handoff.ledger.result_entry import ENDING_TEXTS
from handoff.ledger.store import Store


def tick(store: Store) -> None:
    """Do one slice of what is due by the clock or was left over, and more while there is more."""
    while True:
        reply = store.run("tick", room=0, token=uuid.uuid4().hex, **ENDING_TEXTS)
        if reply[0] == "busy" or not reply[1]:
            return
