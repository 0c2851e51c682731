"""The words for where a function stands: RQ's, the finer ones of the scripts, and those of the API."""

from __future__ import annotations

ENDED = ("finished", "failed", "canceled")

STATES = ("deferred", "delayed", "waiting", "queued", "started", *ENDED)
"""API's words, in the order in which a function goes through them."""

TERMINAL = frozenset({"finished", "failed", "stopped", "canceled"})
"""RQ's words after which nothing more happens by itself."""

PARKED = "parked"
"""A word of the scripts alone, of one in a run: ready, while a collocated one chooses the node. Those that the API has
too are waiting, delayed, and of a run deferred: its dependencies have not ended."""


def state_of(rq_status: str, finer: str) -> str:
    """API's word for a state. rq's own words for what is not yet queued all mean that it waits."""
    if rq_status in ("queued", "started", *TERMINAL):
        return "failed" if rq_status == "stopped" else rq_status
    return "waiting" if finer in ("", PARKED) else finer
