"""The functions of a run: the graph as the user wrote it, and where each stands. Reads in slices."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from handoff.errors import HandoffError, UnknownFunction
from handoff.ledger.asking import Ledger
from handoff.ledger.housekeeping import await_entry
from handoff.ledger.records import RECORD_FIELDS, error_of, record_of
from handoff.ledger.store import Call
from handoff.ledger.texts.group_field import chooser_field
from handoff.ledger.texts.run_id import run_job_id
from handoff.serializer import Serializer

T = TypeVar("T")

SLICE = 500
"""Functions that are read in one round trip."""


@dataclass(frozen=True, slots=True)
class Member:
    """A function of a run, as the user wrote the graph."""

    id: str
    number: int  #: 0 = inline: it has no job
    args: tuple[int, ...]  #: of each function that it takes, the place among the members


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one function stands."""

    status: str  #: API's word; "gone" where rq deleted it
    node: str | None
    attempts: int = 0
    error: HandoffError | None = None  #: what it raises, if it failed or was canceled; without a traceback


@Call
async def read_members(ledger: Ledger, instance: str) -> list[Member] | None:
    """Read the graph of a run, in the order in which the functions were added; None where it has expired.

    Waits for what is still being loaded, which is dropped within a minute if nobody loads the rest.
    """
    while True:
        packed = await ledger.read("GET", ledger.keys("run_graph", instance))
        if packed is None:
            return None
        unpacking = zlib.decompressobj()
        graph = unpacking.decompress(packed)
        if unpacking.eof:
            return [Member(id, number, tuple(args)) for id, number, args in Serializer.loads(graph)]
        await await_entry(ledger, ledger.keys("run_end", instance))


def dependencies_of(members: Sequence[Member], number: int) -> list[Member]:
    """The functions that have to end before this one, through inlines too, each once, in order of first use."""
    start = next((member for member in members if member.number == number), None)
    found: dict[int, Member] = {}
    seen: set[int] = set()
    left = list(reversed(start.args)) if start else []
    while left:
        index = left.pop()
        if index in seen:
            continue
        seen.add(index)
        if members[index].number:
            found[index] = members[index]
        else:
            left += reversed(members[index].args)
    return list(found.values())


@Call
async def read_standings(ledger: Ledger, instance: str, members: Sequence[Member]) -> dict[int, Standing]:
    """Say of each of these functions where it stands, by number. Slices of it may be of different moments."""
    numbers = [member.number for member in members if member.number]
    found: dict[int, Standing] = {}
    for some in in_slices(numbers):
        jobs = [ledger.keys("rq_job", run_job_id(instance, number)) for number in some]
        values = await ledger.read_each([("HMGET", job, *RECORD_FIELDS) for job in jobs])
        found |= {number: _standing(ledger.namespace, each) for number, each in zip(some, values, strict=True)}
    return found


def _standing(namespace: str, values: Sequence[bytes | None]) -> Standing:
    try:
        record = record_of(namespace, "", values, None)
    except UnknownFunction:
        return Standing("gone", None)
    error = error_of(record) if record.status in ("failed", "canceled") else None
    return Standing(record.status, record.node, record.attempts, error)


@Call
async def read_chooser(ledger: Ledger, instance: str, group: str) -> int | None:
    """The function that is to choose a node for its collocated ones, by number; None: nobody is just now."""
    number = await ledger.read("HGET", ledger.keys("run_groups", instance), chooser_field(group))
    return None if number is None else int(number)


def in_slices(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many at a time as are read in one round trip."""
    return (items[i : i + SLICE] for i in range(0, len(items), SLICE))
