"""What was submitted and what came of it, as those who saw it wrote it down outside of Redis.

Everybody appends whole lines to a file of their own, so that who is killed in the midst of it leaves what he knew.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SINGLE, GRAPH = "single", "graph"

SINGLE_ID = re.compile(r"c\d+x\d+-\d+")
"""What functions are called that clients submit by themselves; those of graphs have names of the ledger's."""


@dataclass(frozen=True)
class Order:
    """One function, or one graph, as a client means to submit it."""

    id: str
    kind: str  #: `SINGLE` or `GRAPH`
    code: str  #: of `functions`, or the form of the graph
    number: int
    seconds: float  #: that it takes
    retries: int
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One line of a journal."""

    at_s: float
    what: str  #: asked, taken, unsure, refused, canceled, came, broken
    id: str
    told: Any = None


class Journal:
    """Appends to one file."""

    def __init__(self, folder: Path, name: str) -> None:
        path = folder / f"{name}.journal"
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def note(self, what: str, id: str, told: Any = None) -> None:
        line = json.dumps(asdict(Entry(time.time(), what, id, told)))
        os.write(self._file, f"{line}\n".encode())


def read_journals(folder: Path) -> Iterator[Entry]:
    """All entries of all journals, of each in order."""
    for path in sorted(folder.glob("*.journal")):
        for line in path.read_text().splitlines():
            yield Entry(**json.loads(line))


@dataclass
class Submitted:
    """All that is known of one order."""

    order: Order
    at_s: float
    taken_s: float = 0.0  #: when Redis had acknowledged it; 0 = nobody knows that it has
    is_durable: bool = False  #: so that a failover to its replica keeps it
    refused: str = ""
    cancels: int = 0  #: how many calls were told that they had decided
    was_canceled: bool = False  #: somebody tried
    came: list[Any] = field(default_factory=list)


def gather(folder: Path) -> tuple[dict[str, Submitted], list[str]]:
    """-> by id what was submitted and what came of it, and the errors that nobody may see"""
    found: dict[str, Submitted] = {}
    broken: list[str] = []
    for entry in read_journals(folder):
        match entry.what:
            case "asked":
                order = Order(**entry.told)
                found[order.id] = Submitted(order, entry.at_s)
            case "taken":
                found[entry.id].taken_s, found[entry.id].is_durable = entry.at_s, bool(entry.told)
            case "refused":
                found[entry.id].refused = entry.told
            case "cancels":
                found[entry.id].was_canceled = True
            case "canceled":
                found[entry.id].cancels += entry.told
            case "came":
                found[entry.id].came.append(entry.told)
            case "broken":
                broken.append(f"{entry.id}: {entry.told}")
    return found, broken
