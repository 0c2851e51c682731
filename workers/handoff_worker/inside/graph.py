"""Runs a function of a graph: results come first in its call, and of its own is made what others asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import rq.job

from handoff.ledger.keys import Keys
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.ledger.texts.run_id import run_job_id
from handoff_worker.inside.importing import import_function
from handoff_worker.inside.inputs import Entry, Evaluator, Serialize, read_results, taken
from handoff_worker.inside.job import Job

_RQ_KEYS = Keys("", RQ_KEY_PREFIX)


def perform(
    job: Job, node: str, sent: Iterable[tuple[int, Entry]], note_import: Callable[[], None]
) -> tuple[object, list[tuple[Serialize, object]]]:
    """`sent` came along of the results that it takes. -> the result, and what was made of it for those that take it"""
    find = partial(import_function, allowed=job.allowed)
    evaluator = Evaluator(node, job.serializer.loads, find)
    with _as_current_of_rq(job):
        serializers = evaluator.serializers(job.function_id, job.forms)
        if job.inputs is not None:
            evaluator.import_all(job.inputs)
        note_import()
        if job.inputs is not None:
            job.put_first(evaluator.arguments(job.inputs, _entries(job, job.inputs, sent)))
        result = job.perform()
        return result, [(serialize, evaluator.form(serialize, result)) for serialize in serializers]


def _entries(job: Job, inputs: Mapping[str, Any], sent: Iterable[tuple[int, Entry]]) -> Mapping[int, Entry]:
    """Give the results that are taken: those that were sent along, and what has to be read."""
    entries = dict(sent)
    missing = [number for number in taken(inputs) if number not in entries]
    keys = {number: _RQ_KEYS("rq_results", run_job_id(job.run_instance, number)) for number in missing}
    return entries | read_results(job.connection, keys) if keys else entries


@contextlib.contextmanager
def _as_current_of_rq(job: Job) -> Iterator[None]:
    """Let inline functions and transforms have rq's `get_current_job`, which `perform` gives to the function alone."""
    token = rq.job._current_job.set(job)
    try:
        yield
    finally:
        rq.job._current_job.reset(token)
