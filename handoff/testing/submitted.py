"""What was submitted in a test, as users would say it: what is called, with which arguments, at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from handoff.ledger.fields import FIELDS
from handoff.ledger.rqmodel import fetch_job
from handoff.ledger.store import Store
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.cost import asked_for
from handoff.ledger.texts.options import read_option
from handoff.ledger.texts.run_id import number_of
from handoff.serializer import PickleSerializer, Serializer
from handoff.words.constraints import Term
from handoff.words.resources import Amount, Units, amounts
from handoff.words.rules import HIGHEST_PRIORITY

ORDERS = 2**41
"""Functions of one priority: see the field `rank`."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """One function that was submitted in a test, by whichever client; `==` of two compares all of it."""

    id: str  #: of its RQ job
    function_id: str  #: what the user calls it
    code: str  #: `package.module.qualname`
    args: tuple[Any, ...]  #: in a graph without the results that come first
    kwargs: Mapping[str, Any]  #: those that were given by name
    costs: Sequence[Mapping[str, Amount]]  #: in order of preference: mostly one
    terms: tuple[Term, ...]  #: what must hold of its node, a pin included
    priority: int  #: the largest goes first
    max_retries: int  #: how often it is tried again
    timeout: float | None  #: seconds of one attempt; None = no limit
    unique: str | None  #: the key that no other has meanwhile
    delay: float | None  #: seconds; None = none. Of one with `at` those until then
    at: datetime | None  #: when it is due at the earliest; None = at once
    meta: Mapping[str, Any]  #: what the user keeps with it
    units: Sequence[Units] = field(repr=False)  # `costs` in 1/10,000
    order: tuple[str, int] = field(compare=False, repr=False)  # when, and which of its graph

    def __str__(self) -> str:
        given = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.kwargs.items())]
        cost = " or ".join(str(cost) for cost in self.costs if cost)
        told = [f"cost {cost}"] if cost else []
        told += [f"{term.name} {'not in' if term.negated else 'in'} {', '.join(term.values)}" for term in self.terms]
        return f"{self.code}({', '.join(given)})" + (f"  [{'; '.join(told)}]" if told else "")


def read_submitted(store: Store, job_id: str) -> Submitted | None:
    """Look at one function; None where it is gone. What it was delayed by is seen until that has passed."""
    fields = store.read("HGETALL", store.keys("rq_job", job_id))
    stored = StoredJob(fields)
    job = fetch_job(job_id, store.client, PickleSerializer if stored.is_pickled else Serializer)
    demand = stored.demand
    if job is None or not stored.is_of(store.namespace):
        return None
    units = [asked_for(variant.cost) for variant in demand.variants] if demand else []
    delay_ms, due_ms = _delayed(store, job_id, stored)
    return Submitted(
        id=job_id,
        function_id=stored.text("function") or job_id,
        code=stored.text("code") or job.func_name or "",
        args=tuple(job.args),
        kwargs=dict(job.kwargs),
        costs=[amounts(cost) for cost in units],
        terms=demand.terms if demand else (),
        priority=HIGHEST_PRIORITY - int(stored.text("rank")) // ORDERS if stored.text("rank") else 0,
        max_retries=stored.number("retries"),
        timeout=job.timeout if (job.timeout or 0) > 0 else None,
        unique=stored.text("unique") or None,
        delay=delay_ms / 1000 if delay_ms else None,
        at=datetime.fromtimestamp(due_ms / 1000, UTC) if due_ms else None,
        meta=dict(job.meta),
        units=units,
        order=(stored.text("created_at"), number_of(job_id) if stored.text("run") else 0),
    )


def _delayed(store: Store, job_id: str, job: StoredJob) -> tuple[int, int]:
    """For how long, and until when; of one in a run it is counted from when it is ready."""
    if job.text("run"):
        options = job.text("options")
        return int(read_option(options, "delay") or 0), int(read_option(options, "due") or 0)
    due_ms = store.read("ZSCORE", store.keys("delayed"), job_id)
    if due_ms is None or job.attempts:
        return 0, 0
    return int(due_ms) - job.number("since"), int(due_ms)


def is_another(store: Store, known: Submitted) -> bool:
    """Whether another function has the id now: `replace=True`, or rq deleted the one before."""
    created = store.read("HGET", store.keys("rq_job", known.id), FIELDS["created_at"].name)
    return created is not None and created.decode() != known.order[0]
