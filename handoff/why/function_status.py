"""One function for people: where it stands, and why there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from handoff.errors import FunctionFailed, HandoffError, shown
from handoff.ledger.fields import names_of
from handoff.ledger.phrases import place_in_words
from handoff.ledger.records import Record, error_of, look, outcome, usage_in
from handoff.ledger.store import Store
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.cost import asked_for
from handoff.ledger.texts.demand import Demand
from handoff.ledger.texts.usage import FunctionUsage
from handoff.serializer import Serializer
from handoff.why.explain import explain
from handoff.words.resources import Amount, amounts
from handoff.words.variants import NO_COST

LONGEST_RESULT = 200
"""Characters of a result that are shown; the whole of it is for whoever waits for it."""

LARGEST_READ = 1_000_000
"""Bytes of what is read to be shown: of more nobody reads the repr."""

PICKLED = "(pickled, and not read here: unpickling runs code)"
"""What stands in place of values that are not read."""

_FIELDS = ("demand", "variant", "placement", "description", "created_at", "started_at", "ended_at")


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the costs that a function may have."""

    cost: Mapping[str, Amount]
    after_s: float  #: it counts after so many seconds of waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionStatus:
    """One function: where it stands, and why there. The times are RQ's, in UTC; None: not yet."""

    id: str
    function_id: str
    description: str  #: the call as RQ shows it
    status: str  #: API's word
    node: str | None  #: where it is placed, runs or ran
    devices: Mapping[str, list[int]]
    attempts: int
    cost: Mapping[str, Amount]  #: what it was placed with last, else its first choice
    variants: list[Variant]  #: all that it may cost, in order of preference
    variant: int | None  #: which of them it was placed with
    pinned: str | None
    where: str | None  #: what else must hold of a node, in words
    reason: str  #: one sentence
    result: str | None  #: its repr, shortened; None unless it finished
    error: str | None  #: type and message; None unless it failed
    traceback: str | None  #: as Python writes it; None where there is none
    usage: FunctionUsage | None  #: of its last attempt; None until it has ended, or if it never ran
    created_at: str | None
    started_at: str | None
    ended_at: str | None


def read_function(store: Store, id: str) -> FunctionStatus:
    """Read all that is known of one function. Raises `UnknownFunction`."""
    record = look(store, id)
    job = StoredJob.of(_FIELDS, store.read("HMGET", store.keys("rq_job", id), *names_of(_FIELDS)))
    explanation = explain(store, id)
    is_ours = job.demand is not None
    demand = job.demand or Demand(NO_COST, ())
    variants = [Variant(amounts(asked_for(each.cost)), each.after_ms / 1000) for each in demand.variants]
    variant = job.variant if job.text("placement") else None
    pin, where = place_in_words(demand.terms)
    failure = failure_of(record) if record.status == "failed" else None
    return FunctionStatus(
        id=id,
        function_id=record.function_id,
        description=job.text("description"),
        status=record.status,
        node=record.node,
        devices=record.devices,
        attempts=record.attempts,
        cost=variants[variant or 0].cost,
        variants=variants,
        variant=variant,
        pinned=pin,
        where=where or None,
        reason=explanation.text,
        result=_result(record, is_ours=is_ours) if record.status == "finished" else None,
        error=f"{failure.type}: {failure.message}".removesuffix(": ") if failure else None,
        traceback=failure.traceback if failure else None,
        usage=usage_in(record),
        created_at=job.text("created_at") or None,
        started_at=job.text("started_at") or None,
        ended_at=job.text("ended_at") or None,
    )


def _result(record: Record, *, is_ours: bool) -> str | None:
    """A job of somebody else's may be serialized in any way."""
    if not is_ours:
        return None
    text = result_text(record)
    return text if len(text) <= LONGEST_RESULT else f"{text[: LONGEST_RESULT - 3]}..."


def result_text(record: Record) -> str:
    """The repr of what one has returned that has finished, or why that is not shown."""
    if record.job.is_pickled:
        return PICKLED
    if record.size > LARGEST_READ:
        return f"({record.size:,} bytes, which is too much to be shown)"
    try:
        return whole_repr(outcome(record, Serializer))
    # Whoever can write to Redis can write anything there.
    except (HandoffError, ValueError):
        return "(it cannot be read: it is not what Handoff writes)"


def whole_repr(value: object) -> str:
    """Show a value of a function."""
    try:
        return repr(value)
    # Python writes no int of more than 4,300 digits.
    except ValueError:
        return shown(value)


class Failure(NamedTuple):
    """What a function has failed with."""

    type: str
    message: str
    traceback: str | None  #: None where there is none, or it was not read


def failure_of(record: Record) -> Failure:
    """What one has failed with that has failed."""
    error = error_of(record)
    if isinstance(error, FunctionFailed):
        return Failure(error.exception_type, error.message, error.traceback or None)
    return Failure(record.error, str(error), None)
