"""Who holds what of nodes: functions and claims, with their amounts and devices. Read at each look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from handoff.ledger.fields import names_of
from handoff.ledger.store import Store
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.reservation import EXTERNAL, Held, job_of, parts_of, read_record
from handoff.why.holders import shown_amounts
from handoff.words.resources import SLOTS, UNIT, Amount, amount

MOST_NAMED = 500
"""Of so many holders the names are read; the others are told by their ids."""

_FIELDS = ("code", "function", "status")


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has reserved something of a node: a function, a claim, or other programs on its host (`external`)."""

    id: str  #: of the job, or of the claim
    node: str
    kind: Literal["function", "claim", "external"]
    name: str  #: of what the function calls, or whose claim it is; '' = not known
    function_id: str  #: the user's id; of a claim ''
    runs: bool  #: whether it has started; a claim has not
    amounts: Mapping[str, Amount]  #: without the slot
    devices: Mapping[str, Mapping[int, Amount]]  #: resource -> index -> what it has of that device
    since_ms: int

    @property
    def said(self) -> str:
        """Who it is, if it is no function."""
        return "other programs" if self.kind == "external" else f"claim of {self.name or 'somebody'}"


def read_held(store: Store, nodes: Sequence[str]) -> dict[str, list[Holder]]:
    """Who holds what of these nodes, the longest first. Not of one moment."""
    found = store.read_each([("HGETALL", store.keys("reservations", node)) for node in nodes])
    records: list[tuple[str, str, Held]] = []
    for node, held in zip(nodes, found, strict=True):
        records += [(node, id, record) for id, record in _readable(held)]
    records.sort(key=lambda each: each[2].since_ms)
    ids = list(dict.fromkeys(id for _, id, _ in records))[:MOST_NAMED]
    named = dict(zip(ids, _names(store, ids), strict=True))
    held_on: dict[str, list[Holder]] = {node: [] for node in nodes}
    for node, id, record in records:
        held_on[node].append(_holder(node, id, record, *named.get(id, ("", "", False))))
    return held_on


def _readable(held: Mapping[bytes, bytes]) -> list[tuple[str, Held]]:
    """What somebody else has written over holds nothing that could be shown; the doctor tells of it."""
    found = []
    for id, record in held.items():
        try:
            found.append((id.decode(), read_record(record.decode())))
        except ValueError:
            continue
    return found


def _names(store: Store, ids: Sequence[str]) -> list[tuple[str, str, bool]]:
    commands = [
        ("HMGET", store.keys("rq_job", job_of(id)), *names_of(_FIELDS))
        if parts_of(id)
        else ("HMGET", store.keys("claim_owners"), id)
        for id in ids
    ]
    return [_name(id, values) for id, values in zip(ids, store.read_each(commands), strict=True)]


def _name(id: str, values: Sequence[bytes | None]) -> tuple[str, str, bool]:
    if not parts_of(id):
        return (values[0] or b"").decode(errors="replace"), "", False
    job = StoredJob.of(_FIELDS, values)
    name, function_id, status = (job.bytes(field).decode(errors="replace") for field in _FIELDS)
    return name, function_id or job_of(id), status == "started"


def _holder(node: str, id: str, record: Held, name: str, function_id: str, runs: bool) -> Holder:
    devices: dict[str, dict[int, Amount]] = {}
    for (resource, index), units in sorted(record.devices.items()):
        devices.setdefault(resource, {})[index] = amount(units)
    amounts = shown_amounts(record.whole)
    if record.whole.get(SLOTS) == UNIT:
        amounts.pop(SLOTS)
    is_function = parts_of(id) is not None
    return Holder(
        id=job_of(id) if is_function else id,
        node=node,
        kind="function" if is_function else "external" if id == EXTERNAL else "claim",
        name=name,
        function_id=function_id or (job_of(id) if is_function else ""),
        runs=runs,
        amounts=amounts,
        devices=devices,
        since_ms=record.since_ms,
    )
