"""Where a function stands, and how it gets from one state to the next: the table, and the words of RQ and of the API.

The scripts make these moves: `tests/ledger/test_states.py` compares what they write with the table. `docs/states.md` is
rendered from it.
"""

from __future__ import annotations

from typing import NamedTuple

NEW = ""
"""There is no such function yet."""

PARKED = "parked"
"""A word of the scripts alone, of one in a run: ready, while a collocated one chooses the node. Those that the API has
too are waiting, delayed, and deferred: its dependencies have not ended."""


class Move(NamedTuple):
    """One way from a state to another, and what makes a function take it."""

    before: str
    after: str
    cause: str


MOVES = (
    # A function comes.
    Move(NEW, "deferred", "loaded with its graph, or submitted with depends_on"),
    Move(NEW, "delayed", "submitted with a delay"),
    Move(NEW, PARKED, "loaded with its graph, whose group has no node"),
    Move(NEW, "waiting", "submitted, and it fits nowhere now"),
    Move(NEW, "queued", "submitted, and it fits on a node"),
    # It becomes ready.
    Move("deferred", "delayed", "dependencies have ended, and it has a delay"),
    Move("deferred", "waiting", "dependencies have ended"),
    Move("deferred", "queued", "dependencies have ended"),
    Move("delayed", "waiting", "time has come"),
    Move("delayed", "queued", "time has come"),
    Move("waiting", "queued", "a node has room"),
    # It runs.
    Move("queued", "started", "taken by its agent"),
    Move("started", "finished", "returned"),
    Move("started", "failed", "raised or lost, and not tried again"),
    Move("started", "delayed", "raised or lost, and tried again"),
    Move("started", "queued", "no process could be started for it"),
    Move("started", "waiting", "no process could be started for it"),
    Move("started", PARKED, "no process could be started for it"),
    # It never runs.
    Move("waiting", "failed", "wait_ttl or on_infeasible"),
    Move("queued", "failed", "wait_ttl"),
    # Its node takes no more: it is lost, drained, quiet or deregistered.
    Move("queued", "waiting", "node closed"),
    # It is canceled, or its run is stopped.
    Move("deferred", "canceled", "canceled, or a dependency did not finish"),
    Move("delayed", "canceled", "canceled"),
    Move("waiting", "canceled", "canceled"),
    Move("queued", "canceled", "canceled"),
    Move("started", "canceled", "canceled, and its child has ended"),
    # It belongs to a group that has no node, and another of the group looks for one.
    Move("deferred", PARKED, "dependencies have ended"),
    Move("delayed", PARKED, "time has come"),
    Move("waiting", PARKED, "node of its group closed"),
    Move("queued", PARKED, "node closed"),
    Move(PARKED, "waiting", "its group chooses"),
    Move(PARKED, "queued", "its group has chosen"),
    Move(PARKED, "failed", "wait_ttl"),
    Move(PARKED, "canceled", "canceled"),
)
"""Every move by which a state changes: those of the scripts."""

ENDED = tuple(dict.fromkeys(move.after for move in MOVES if move.after not in {move.before for move in MOVES}))
"""Nothing leads on from these by itself."""

STATES = (*dict.fromkeys(move.after for move in MOVES if move.after not in (*ENDED, PARKED)), *ENDED)
"""API's words, in the order in which a function goes through them."""

BY_RQ = (
    *(Move(state, "queued", "requeued") for state in ENDED),
    *(Move(state, "canceled", "canceled") for state in ENDED if state != "canceled"),
)
"""What RQ's tools do besides, to a function that has ended. One that is requeued gets a reservation, or waits, like any
other."""

TERMINAL = frozenset({*ENDED, "stopped"})
"""RQ's words after which nothing more happens by itself."""


def state_of(rq_status: str, finer: str) -> str:
    """API's word for a state. rq's own words for what is not yet queued all mean that it waits."""
    if rq_status in ("queued", "started", *TERMINAL):
        return "failed" if rq_status == "stopped" else rq_status
    return "waiting" if finer in ("", PARKED) else finer
