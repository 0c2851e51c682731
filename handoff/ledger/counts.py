"""How many functions stand on nodes, run on them, and have ended on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handoff.ledger.asking import Ledger, unlisted
from handoff.ledger.store import Call

MOST_COUNTED = 256
"""Nodes of one script: some 2 us each."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Functions of one node, or of the lobby."""

    queued: int  #: placed, not yet started
    started: int
    finished: int  #: of what has ended there, as long as it is kept
    failed: int
    canceled: int


@Call
async def count_on(ledger: Ledger, nodes: Iterable[str]) -> dict[str, Counts]:
    """Count the functions of these nodes; '' is the lobby."""
    names = [*dict.fromkeys(nodes)]
    counted: dict[str, Counts] = {}
    for first in range(0, len(names), MOST_COUNTED):
        some = names[first : first + MOST_COUNTED]
        match await ledger.run("counts", *(word for name in some for word in (name, ledger.keys.queue(name)))):
            case ["counts", list(found)]:
                counted |= {name: Counts(*found[i * 5 : i * 5 + 5]) for i, name in enumerate(some)}
            case reply:
                raise unlisted("counts", reply)
    return counted
