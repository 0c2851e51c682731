"""Who has reserved something, since when, and what, in the words of an explanation. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.cost import read_cost
from handoff.ledger.texts.reservation import EXTERNAL, read_record
from handoff.ledger.texts.run_id import is_run_token
from handoff.words.resources import Amount, Units, amounts
from handoff.words.times import moment

RUN_LIMIT = "max_concurrency of its run"
"""The name that the token of a run has for people; no resource can be called so."""


def own_holder(id: str, job: StoredJob, record: str, now_ms: int) -> dict[str, Any]:
    """A function that has its own reservation."""
    held = read_record(record)
    return _holder("function", id, job.text("function") or id, job.text("node"), held.since_ms, held.whole, now_ms)


def holder(reply: Sequence[bytes], now_ms: int) -> dict[str, Any]:
    """One of those that a script tells of: its id, the user's id or '', node, since, cost, shared cost, owner."""
    id, function_id, node, since_ms, cost, shared_cost, owner = (value.decode() for value in reply)
    kind = "function" if function_id else EXTERNAL if id == EXTERNAL else "claim"
    taken = {**read_cost(cost), **read_cost(shared_cost)}
    told = _holder(kind, id, function_id or None, node, int(since_ms), taken, now_ms)
    return {**told, "owner": owner or None} if kind == "claim" else told


def external_or_claim(id: str) -> str:
    """What a reservation is that is no function's."""
    return EXTERNAL if id == EXTERNAL else f"claim {id}"


def _holder(
    kind: str, id: str, function_id: str | None, node: str, since_ms: int, taken: Units, now_ms: int
) -> dict[str, Any]:
    return {
        "kind": kind,
        "id": id,
        "function_id": function_id,
        "node": node,
        "amounts": shown_amounts(taken),
        "since": moment(since_ms),
        "seconds": max(0, now_ms - since_ms) / 1000,
    }


def shown_amounts(units: Mapping[str, int]) -> dict[str, Amount]:
    """Amounts under the names that people know."""
    return {shown(name): value for name, value in amounts(units).items()}


def shown(name: str) -> str:
    """The name of a resource; the token of a run has one that nobody has seen."""
    return RUN_LIMIT if is_run_token(name) else name
