"""What there is to see of a flow, so that it can be compared with the same flow played elsewhere."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import HandoffError
from handoff.ledger.rqmodel import HOST_CLOCK
from handoff.words import ids
from support.agent import NameTaken, Stale
from support.ledger import Ledger

NOW_MS = 1_900_000_000_000


@contextmanager
def same_ids() -> Iterator[None]:
    """Number what is random elsewhere."""
    numbers = itertools.count(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ids, "urandom", lambda count: next(numbers).to_bytes(count, "big"))
        yield


def outcome_of(act: Callable[[], object]) -> object:
    try:
        return act()
    except (HandoffError, NameTaken, Stale) as error:
        return type(error), error.args


def events_of(cluster: Cluster) -> list[dict[str, str]]:
    """What happened: without claims that were undone in the same script, and a node that is registered, once."""
    events = [event for _, event in cluster.events()]
    undone = {event["id"] for event in events if event.get("outcome") == "undone"}
    kept: list[dict[str, str]] = []
    for event in events:
        again = event["event"] == "node" and event in kept
        if event.get("id") not in undone and not again:
            kept.append(event)
    return kept


def comparable(ledger: Ledger) -> dict[str, Any]:
    """Every key but how far the housekeeping has come, and the times by the clocks of clients and agents."""
    own = {key: value for key, value in ledger.own.items() if key not in ("sweep", "events")}
    timed = {
        key: {name: value for name, value in fields.items() if name not in ("created_at", HOST_CLOCK)}
        for key, fields in ledger.rq.items()
        if key.startswith(("job:", "worker:")) and isinstance(fields, dict)
    }
    return {"own": own, "rq": {**ledger.rq, **timed}}
