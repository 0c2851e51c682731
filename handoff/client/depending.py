"""Reads what a call depends on: handles, ids and rq's own jobs, as rq's `depends_on` takes its own."""

from __future__ import annotations

from collections.abc import Iterator

from handoff.errors import InvalidFunction, shown
from handoff.ledger.rqmodel import check_job_id, id_of_job, jobs_of_dependency
from handoff.words.dependencies import MOST_DEPENDENCIES, Dependencies


def read_depends_on(id: str, given: object) -> Dependencies | None:
    """Read the `depends_on` of a function; None: it depends on nothing. Raises `InvalidFunction`."""
    found: dict[str, None] = {}
    allow_failure = False
    for each in given if isinstance(given, (list, tuple)) else () if given is None else (given,):
        dependency = jobs_of_dependency(each)
        if dependency is None:
            found[_id_of(id, each)] = None
            continue
        jobs, allows, is_at_front = dependency
        if is_at_front:
            raise InvalidFunction(id, "its Dependency asks for the front of a queue", "give the function a priority")
        allow_failure = allow_failure or allows
        found |= dict.fromkeys(_ids_of(id, jobs))
    if id in found:
        raise InvalidFunction(id, "it depends on itself", "leave it out of depends_on")
    if len(found) > MOST_DEPENDENCIES:
        raise InvalidFunction(
            id,
            f"it depends on {len(found)} functions, and on {MOST_DEPENDENCIES} it may",
            "submit a graph with submit_dag, or put a function between that depends on some of them",
        )
    return Dependencies(tuple(found), allow_failure) if found else None


def _ids_of(id: str, jobs: list[object]) -> Iterator[str]:
    return (_id_of(id, job) for job in jobs)


def _id_of(id: str, given: object) -> str:
    if isinstance(given, str):
        return check_job_id(given)
    if (job_id := id_of_job(given)) is not None:
        return job_id
    # A handle of either client; that of a run has no function.
    if isinstance(handle_id := getattr(given, "id", None), str) and hasattr(given, "function_id"):
        return handle_id
    raise InvalidFunction(
        id,
        f"it depends on {shown(given)}",
        "give a handle, the id of a function, a job or Dependency of rq, or a list of these",
    )
