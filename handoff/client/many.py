"""What is particular to submitting many functions: what was given, and what is told of those that were not taken."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from handoff.errors import DuplicateFunction, HandoffError, NotDurable, PartlySubmitted
from handoff.ledger.durable import Promise
from handoff.ledger.many import Told
from handoff.ledger.rqmodel import check_job_id
from handoff.ledger.verdict import Verdict
from handoff.words.function import Function
from handoff.words.ids import new_ids

H = TypeVar("H")


def read_functions(functions: Iterable[Function]) -> list[Function]:
    """Read all of them, before anything is written."""
    if not isinstance(functions, Iterable):
        kind = type(functions).__name__
        raise TypeError(
            f"what is submitted is no list of functions, but a {kind}: one Function is submitted with submit"
        )
    return list(functions)


def read_job_ids(job_ids: Iterable[str] | None, count: int) -> list[str]:
    """Read so many ids, or make them. Raises `InvalidFunction`, and `DuplicateFunction` for one that stands twice."""
    if job_ids is None:
        return new_ids(count)
    if isinstance(job_ids, str | bytes) or not isinstance(job_ids, Iterable):
        raise TypeError(f"job_ids is a {type(job_ids).__name__}: give a list of as many texts as there are functions")
    ids = [check_job_id(id) for id in job_ids]
    if len(ids) != count:
        raise ValueError(f"there are {len(ids)} job_ids for {count} functions: give one for each, or none at all")
    seen: set[str] = set()
    for id in ids:
        if id in seen:
            raise DuplicateFunction(id, "list")
        seen.add(id)
    return ids


def taken(told: Iterable[Told]) -> list[Verdict | None]:
    """What was decided of each; None where it was not taken."""
    return [one if isinstance(one, Verdict) else None for one in told]


async def keep_promise(promise: Promise, told: Iterable[Verdict | Exception]) -> None:
    """Wait for what was promised of those that were taken."""
    if any(isinstance(one, Verdict) for one in told):
        try:
            await promise.wait()
        except HandoffError:
            promise.give_up()


def check_many(
    handles: Sequence[H | None],
    told: Sequence[Verdict | Exception],
    promise: Promise,
    read: int | None = None,
    trouble: Exception | None = None,
) -> list[H]:
    """Return the handles if there are all of them. Raises `PartlySubmitted`, and `NotDurable` where that is all."""
    errors: dict[int, Exception] = {at: one for at, one in enumerate(told) if not isinstance(one, Verdict)}
    all_taken = [handle for handle in handles if handle is not None]
    if not errors:
        promise.check(all_taken)
        return all_taken
    if promise.broken:
        unsafe = {at: NotDurable(handle, promise.broken) for at, handle in enumerate(handles) if handle is not None}
        errors = dict(sorted({**errors, **unsafe}.items()))
    raise PartlySubmitted(handles, errors, read) from trouble
