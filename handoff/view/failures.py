"""What has failed, grouped by what it failed with and what it called: the newest group first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from handoff.ledger.asking import Ledger
from handoff.ledger.store import Call
from handoff.view.functions import MOST_LISTED, Wanted, list_functions
from handoff.view.row import FunctionRow
from handoff.words.times import iso

MOST_NAMED = 5
"""Functions, and messages that differ, that are told of each group."""


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Functions of one name that have failed with one type of error."""

    error: str  #: the type
    name: str  #: of what they call
    count: int
    newest_at: datetime | None  #: when the last of them failed
    oldest_at: datetime | None
    ids: Sequence[str]  #: of some, the newest first
    messages: Sequence[str]  #: of some, each once
    nodes: Sequence[str]  #: of all, by name

    def to_dict(self) -> dict[str, Any]:
        """The same as plain data, for JSON: moments as ISO texts."""
        moments = {"newest_at": self.newest_at and iso(self.newest_at)}
        return asdict(self) | moments | {"oldest_at": self.oldest_at and iso(self.oldest_at)}


@dataclass(frozen=True, slots=True)
class Failures:
    """Groups of what has failed."""

    groups: list[FailureGroup]
    more: bool  #: whether not all that has failed was looked at


@Call
async def read_failures(
    ledger: Ledger,
    *,
    name: str | None = None,
    node: str | None = None,
    since: datetime | None = None,
    most: int = MOST_LISTED,
) -> Failures:
    """Group the newest functions that have failed, at most `most`: those of a name, on a node, since then."""
    listing = await list_functions(ledger, Wanted(states=("failed",), name=name, node=node, since=since), most)
    groups: dict[tuple[str, str], list[FunctionRow]] = {}
    for row in listing.rows:
        groups.setdefault((row.error or "unknown", row.name), []).append(row)
    return Failures([_group(*key, rows) for key, rows in groups.items()], listing.more)


def _group(error: str, name: str, rows: Sequence[FunctionRow]) -> FailureGroup:
    messages = [*dict.fromkeys(row.message for row in rows if row.message)]
    return FailureGroup(
        error=error,
        name=name,
        count=len(rows),
        newest_at=rows[0].at,
        oldest_at=rows[-1].at,
        ids=[row.id for row in rows[:MOST_NAMED]],
        messages=messages[:MOST_NAMED],
        nodes=sorted({row.node for row in rows if row.node}),
    )
