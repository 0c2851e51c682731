"""Going over all functions that have not ended, and over all that stands anywhere."""

from __future__ import annotations

from collections.abc import Iterator

from handoff.doctor.look_jobs import look_at_entries, look_at_jobs, read_jobs
from handoff.doctor.look_nodes import Restless
from handoff.doctor.pages import entries_of, keys_like, members_of, pairs_of, some
from handoff.doctor.places import Entry, is_ours
from handoff.doctor.slices import text
from handoff.doctor.walk import Found, Walk
from handoff.ledger.keys import is_queue_of, queue_name
from handoff.ledger.states import TERMINAL

READ_TOGETHER, TOGETHER = 64, 24
"""Jobs, and entries, of one look: some 14 reads each, and 2 to 3."""


def walk_jobs(walk: Walk) -> Found:
    """Every function that has not ended stands where it says."""
    for ids in some(_job_ids(walk), READ_TOGETHER):
        walk.on_step("functions")
        jobs = read_jobs(walk.store, ids)
        ours = {id: job for id, job in jobs.items() if _is_unfinished(walk, job)}
        for few in some(ours.items(), TOGETHER):
            yield from _look_at_few(walk, dict(few))


def _look_at_few(walk: Walk, jobs: dict[str, dict[str, str]]) -> Found:
    try:
        found = look_at_jobs(walk.store, jobs)
    except Restless:
        walk.restless += (("job", id) for id in jobs)
        return
    wrong = {violation.job for violation in found}
    for id, job in jobs.items():
        if id not in wrong:
            walk.remember(id, job)
    yield from found


def _job_ids(walk: Walk) -> Iterator[str]:
    prefix = walk.store.keys("rq_job")
    for key in keys_like(walk.store, f"{prefix}*"):
        id = text(key).removeprefix(prefix)
        # RQ keeps the dependencies of a job beside it.
        if not id.startswith(":"):
            yield id


def _is_unfinished(walk: Walk, job: dict[str, str]) -> bool:
    return (
        is_queue_of(walk.store.namespace, job.get("origin", "")) and is_ours(job) and job.get("status") not in TERMINAL
    )


def walk_entries(walk: Walk) -> Found:
    """Everything that stands anywhere is of a function that says so."""
    strange = (entry for entry in _entries(walk) if not walk.is_known(entry))
    for entries in some(strange, READ_TOGETHER):
        walk.on_step("places")
        yield from look_at_entries(walk.store, entries)


def _entries(walk: Walk) -> Iterator[Entry]:
    store = walk.store
    for node in list(walk.nodes):
        queue = queue_name(store.namespace, node)
        yield from (Entry("queue", node, text(id)) for id in entries_of(store, store.keys("rq_queue", queue)))
        yield from (
            Entry("held", node, text(id)) for id, _ in pairs_of(store, "HSCAN", store.keys("reservations", node))
        )
        yield from (Entry("running", node, text(id)) for id, _ in pairs_of(store, "ZSCAN", store.keys("running", node)))
        yield from (Entry("wip", node, text(id)) for id, _ in pairs_of(store, "ZSCAN", store.keys("rq_wip", queue)))
        executions = store.keys("rq_worker", f"{queue}:executions")
        yield from (Entry("executions", node, text(id)) for id in members_of(store, executions))
    for place in ("waiting", "delayed"):
        yield from (Entry(place, "", text(id)) for id, _ in pairs_of(store, "ZSCAN", store.keys(place)))
    deferred = store.keys("rq_deferred", store.namespace)
    yield from (Entry("deferred", "", text(id)) for id, _ in pairs_of(store, "ZSCAN", deferred))
    for shape in sorted(walk.lines):
        yield from (Entry("line", shape, text(id)) for id, _ in pairs_of(store, "ZSCAN", store.keys("shape", shape)))
    for key in ("awaited", "watched"):
        for of in (text(id) for id, _ in pairs_of(store, "ZSCAN", store.keys(key))):
            dependents = store.keys("dependents", of)
            yield from (Entry("dependents", of, text(id)) for id, _ in pairs_of(store, "ZSCAN", dependents))
    for run in list(walk.runs):
        yield from (
            Entry("missing", run, text(id)) for id, _ in pairs_of(store, "HSCAN", store.keys("run_missing", run))
        )
        yield from (Entry("active", run, text(id)) for id in members_of(store, store.keys("run_active", run)))
