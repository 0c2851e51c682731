"""What was submitted, as tests ask for it: by what is called, with which arguments, at what cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import ANY

from handoff.ledger.fields import FIELDS
from handoff.ledger.rqmodel import fetch_job
from handoff.ledger.store import Store
from handoff.ledger.stored_job import StoredJob
from handoff.ledger.texts.cost import asked_for
from handoff.ledger.texts.run_id import number_of
from handoff.serializer import PickleSerializer, Serializer
from handoff.words.code import Code, import_path
from handoff.words.constraints import Term, Where, parse_where
from handoff.words.resources import Units, amounts
from handoff.words.variants import Cost, parse_variants

MOST_SHOWN = 5
"""Others that a failure shows."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """One function that was submitted in a test, by whichever client; `==` of two compares all of it."""

    id: str  #: of its RQ job
    function_id: str  #: what the user calls it
    code: str  #: `package.module.qualname`
    args: tuple[Any, ...]  #: in a graph without the results that come first
    kwargs: Mapping[str, Any]
    costs: Sequence[Units]  #: in 1/10,000, in order of preference: mostly one
    terms: tuple[Term, ...]  #: what must hold of its node, a pin included
    order: tuple[str, int] = field(compare=False, repr=False)  #: when, and which of its graph

    def __str__(self) -> str:
        given = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in self.kwargs.items())]
        cost = " or ".join(str(amounts(cost)) for cost in self.costs if cost)
        told = [f"cost {cost}"] if cost else []
        told += [f"{term.name} {'not in' if term.negated else 'in'} {', '.join(term.values)}" for term in self.terms]
        return f"{self.code}({', '.join(given)})" + (f"  [{'; '.join(told)}]" if told else "")


def read_submitted(store: Store, job_id: str) -> Submitted | None:
    """Look at one function; None where it is gone."""
    fields = store.read("HGETALL", store.keys("rq_job", job_id))
    stored = StoredJob(fields)
    job = fetch_job(job_id, store.client, PickleSerializer if stored.is_pickled else Serializer)
    demand = stored.demand
    if job is None or not stored.is_of(store.namespace):
        return None
    return Submitted(
        id=job_id,
        function_id=stored.text("function") or job_id,
        code=stored.text("code") or job.func_name or "",
        args=tuple(job.args),
        kwargs=dict(job.kwargs),
        costs=[asked_for(variant.cost) for variant in demand.variants] if demand else [],
        terms=demand.terms if demand else (),
        order=(stored.text("created_at"), number_of(job_id) if stored.text("run") else 0),
    )


def is_another(store: Store, known: Submitted) -> bool:
    """Whether another function has the id now: `replace=True`, or rq deleted the one before."""
    created = store.read("HGET", store.keys("rq_job", known.id), FIELDS["created_at"].name)
    return created is not None and created.decode() != known.order[0]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a test asks for; `ANY` = whatever it is."""

    code: str
    args: Any
    kwargs: Any
    costs: Any
    terms: Any

    @classmethod
    def read(cls, fn: Code, args: Any, kwargs: Any, cost: Cost | None, where: Where | None, node: str | None) -> Wanted:
        """Read what was given; of names it raises what a submit raises."""
        is_open = where is ANY and node is ANY
        return cls(
            import_path(fn),
            args if args is ANY else tuple(args),
            kwargs if kwargs is ANY else dict(kwargs),
            cost if cost is ANY else [variant.cost for variant in parse_variants(cost)],
            ANY if is_open else parse_where(None if where is ANY else where, None if node is ANY else node),
        )

    def misses(self, found: Submitted) -> list[str]:
        """What is otherwise; nothing where it is what is asked for. The first weighs most."""
        return [
            name
            for name, wanted, had in (
                ("function", self.code, found.code),
                ("args", self.args, found.args),
                ("kwargs", self.kwargs, found.kwargs),
                ("cost", self.costs, found.costs),
                ("where", self.terms, found.terms),
            )
            if wanted != had
        ]

    def __str__(self) -> str:
        told = [
            f"{name} {value!r}" for name, value in (("args", self.args), ("kwargs", self.kwargs)) if value is not ANY
        ]
        if self.costs is not ANY:
            told.append(f"cost {' or '.join(str(amounts(cost)) for cost in self.costs)}")
        if self.terms is not ANY:
            told.append(f"where {', '.join(f'{term.name} in {term.values}' for term in self.terms) or 'anywhere'}")
        return self.code + (f" with {', '.join(told)}" if told else "")


def nearest_first(wanted: Wanted, all_of_them: Sequence[Submitted]) -> str:
    """What was there instead, for the text of a failure."""
    if not all_of_them:
        return "nothing was enqueued"
    ranked = sorted(all_of_them, key=lambda found: _distance(wanted, found))
    lines = [f"  {found}" + _otherwise(wanted.misses(found)) for found in ranked[:MOST_SHOWN]]
    if len(ranked) > MOST_SHOWN:
        lines.append(f"  ... and {len(ranked) - MOST_SHOWN} more")
    return "what was, the nearest first:\n" + "\n".join(lines)


def _distance(wanted: Wanted, found: Submitted) -> tuple[bool, int]:
    misses = wanted.misses(found)
    return "function" in misses, len(misses)


def _otherwise(misses: Sequence[str]) -> str:
    return f"  <- other {', '.join(misses)}" if misses else ""
