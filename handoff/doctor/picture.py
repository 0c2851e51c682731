"""What stands in the keys of one namespace at one moment: all of it, or as much as was read in one look.

By keys alone: none of the scripts' words for them is believed. A look that reads a part of a key has that part only, as
if nothing else were there, so a check asks for no more than its look has read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from handoff.ledger.keys import SCHEMA, queue_name
from handoff.ledger.nodes import SHARED, Node, node_of
from handoff.ledger.texts.node_field import read_node_field
from handoff.ledger.texts.reservation import Held, read_record

UNREADABLE = (ValueError, LookupError, OverflowError)
"""What is raised where something of a node cannot be read."""

Bits = Mapping[int, int]
"""Some positions of a bitmap."""


@dataclass(frozen=True)
class Picture:
    """The keys of a namespace and those of RQ, by what follows the prefix.

    Texts are decoded byte by byte; strings stay bytes, for they are bitmaps, or are some bits of one; of a stream there
    is its length.
    """

    namespace: str
    own: dict[str, Any]
    rq: dict[str, Any]
    #: of `Call.uptime`, at least: whose lease ends before it may be lost already
    uptime_ms: float = 0
    #: keys of another type than the schema says
    mistyped: list[str] = field(default_factory=list)
    #: keys of the namespace that have to expire, and do not
    lasting: set[str] = field(default_factory=set)

    def get(self, key: str) -> dict[str, Any]:
        """A hash or sorted set, empty where it is absent."""
        found: dict[str, Any] = self.own.get(key, {})
        return found

    def of(self, name: str, of: str = "") -> Any:
        """A key by its name in the schema; None where it is absent."""
        key = SCHEMA[name]
        return (self.rq if key.rq else self.own).get(key.path + of)

    def queue(self, node: str) -> list[str]:
        """The jobs that stand on a node's queue."""
        found: list[str] = self.rq.get(f"queue:{queue_name(self.namespace, node)}", [])
        return found

    @cached_property
    def nodes(self) -> dict[str, dict[str, str]]:
        """Node name -> its hash, in order."""
        return {name: self.own.get(f"node:{name}", {}) for name, _ in by_score(self.get("nodes"))}

    @cached_property
    def jobs(self) -> dict[str, dict[str, str]]:
        """Job id -> its hash."""
        return {id: job for id, job in below(self.rq, "job") if not id.startswith(":")}

    @cached_property
    def held(self) -> dict[str, dict[str, Held]]:
        """Node name -> reservation id -> its record."""
        return {
            name: {id: read_record(text) for id, text in records.items()} for name, records in below(self.own, "held")
        }

    @cached_property
    def lines(self) -> dict[str, list[str]]:
        """Shape -> the jobs that wait with it, first in front."""
        return {shape: [id for id, _ in by_score(ranks)] for shape, ranks in below(self.own, "shape")}

    @cached_property
    def shared(self) -> Shared:
        """What is known of the node called `*`."""
        fields = self.get(f"node:{SHARED}")
        return Shared(amounts_in(fields, "cap"), amounts_in(fields, "used"))

    def node(self, name: str) -> Node:
        """One node. Raises `UNREADABLE`."""
        return node_of(name, self._lease_ms(name), self.own.get(f"node:{name}", {}))

    def _lease_ms(self, name: str) -> int:
        ends = self.get("leases").get(name)
        return -1 if ends is None else max(0, int(ends - self.uptime_ms))

    def position(self, name: str) -> int | None:
        """The bit position of a node."""
        score = self.get("nodes").get(name)
        return None if score is None else int(score)

    def bit(self, key: str, position: int) -> int:
        """One bit of a bitmap."""
        bitmap = self.own.get(key, b"")
        if isinstance(bitmap, bytes):
            byte, bit = divmod(position, 8)
            return bitmap[byte] >> (7 - bit) & 1 if byte < len(bitmap) else 0
        return int(bitmap.get(position, 0))

    def bits(self, key: str) -> set[int]:
        """The positions that are set in a bitmap."""
        bitmap = self.own.get(key, b"")
        if not isinstance(bitmap, bytes):
            return {position for position, bit in bitmap.items() if bit}
        return {8 * i + bit for i, byte in enumerate(bitmap) if byte for bit in range(8) if byte >> (7 - bit) & 1}

    def number(self, column: str, planes: int, position: int) -> int:
        """What bit planes say at one position."""
        return sum(self.bit(f"{column}:{bit}", position) << bit for bit in range(planes))


@dataclass(frozen=True)
class Shared:
    """What all nodes share."""

    capabilities: dict[str, int]
    used: dict[str, int]


def below(keys: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    """What stands under `<kind>:<rest>`, by the rest."""
    for key, value in keys.items():
        first, _, rest = key.partition(":")
        if first == kind and rest:
            yield rest, value


def by_score(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """The members of a sorted set in its order."""
    return sorted(scores.items(), key=lambda entry: (entry[1], entry[0]))


def amounts_in(fields: Mapping[str, str], kind: str) -> dict[str, int]:
    """Of a node's hash the amounts of one kind, by resource. Raises ValueError."""
    read = ((read_node_field(name), value) for name, value in fields.items())
    return {resource: int(value) for (of, resource), value in read if of == kind and resource}


def uptime_ms(wall_ms: float, clock: Mapping[str, str]) -> float:
    """What time of leases it is, or later: all of the time since the last note counts (time/clock).

    `clock` is the hash of that name; where it cannot be read nobody's lease counts as running.
    """
    try:
        last, ahead, down = (float(clock.get(field, "0")) for field in ("last", "ahead", "down"))
    except ValueError:
        return math.inf
    return max(last, wall_ms + ahead) - down
