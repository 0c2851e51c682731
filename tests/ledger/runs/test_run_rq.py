"""RQ tells the truth of runs, and what its tools do to a function of one never keeps the run from its end."""

from __future__ import annotations

from typing import Any

import pytest
from rq.registry import CanceledJobRegistry, DeferredJobRegistry, FailedJobRegistry, FinishedJobRegistry

from handoff.client.run_handle import RunHandle
from handoff.errors import UnknownFunction
from handoff.words.function import Collocated
from support.books import assert_nothing_held
from support.graphs import Site, chain, function
from support.runs import run_to_the_end
from support.waiting import LIMIT_S


def test_a_deferred_function_is_deferred_in_the_eyes_of_rq_and_names_its_dependencies(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("i", "y", type="inline"), function("z", "x", "i"))
    job = run.handle("z").job

    assert job.get_status() == "deferred"
    assert sorted(job.dependency_ids) == sorted(run.handle(id).id for id in "xy")
    lobby = DeferredJobRegistry(site.cluster.namespace, connection=site.cluster.connection)
    assert lobby.get_job_ids() == [job.id]
    site.take()
    site.finish("x", "y")
    assert lobby.get_job_ids() == []
    assert run.handle("z").job.get_status() == "queued"


def test_what_has_ended_is_in_the_registry_of_its_outcome(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y", "x"), function("z"), max_retries=0)
    site.take()
    site.finish("x")
    site.take()
    site.fail("y")
    site.obey()

    names = [f"{site.cluster.namespace}.a", site.cluster.namespace]
    found = {
        kind: [id for name in names for id in kind(name, connection=site.cluster.connection).get_job_ids()]
        for kind in (FinishedJobRegistry, FailedJobRegistry, CanceledJobRegistry, DeferredJobRegistry)
    }
    assert found == {
        FinishedJobRegistry: [run.handle("x").id],
        FailedJobRegistry: [run.handle("y").id],
        CanceledJobRegistry: [run.handle("z").id],
        DeferredJobRegistry: [],
    }
    latest = run.handle("y").job.latest_result()
    assert latest is not None
    assert "no y" in str(latest.exc_string)


def in_each_state(site: Site, **options: Any) -> RunHandle:
    """A run with functions in the states that rq's tools may meet."""
    site.node("a", cpu=2)
    run = site.submit(
        function("started", priority=3), function("queued", priority=2), function("waiting", cost={"cpu": 2}),
        function("delayed", delay=30), function("deferred", "started"), function("after", "deferred", "queued"),
        function("chooses", cost={"cpu": 2}), function("parked", cost={}, node=Collocated("chooses")), **options,
    )  # fmt: skip
    assert site.agents["a"].take(1)
    assert {id: state for id, state in site.states(run).items() if id != state} == {
        "after": "deferred", "chooses": "waiting", "parked": "waiting"
    }  # fmt: skip
    return run


@pytest.mark.slow
@pytest.mark.parametrize("fail_fast", [True, False], ids=["fail fast", "go on"])
@pytest.mark.parametrize("verb", ["cancel", "delete"])
@pytest.mark.parametrize("id", ["started", "queued", "waiting", "delayed", "deferred", "after", "chooses", "parked"])
def test_what_rq_cancels_or_deletes_never_keeps_a_run_from_its_end(
    site: Site, id: str, verb: str, fail_fast: bool
) -> None:
    run = in_each_state(site, fail_fast=fail_fast, timeout=None)
    job = run.handle(id).job
    if verb == "cancel":
        job.cancel()
    else:
        job.delete()
    site.touched.add(job.id)

    for _ in range(8):
        site.obey()
        site.take()
        for running in list(site.running()):
            site.finish(running)
        site.pass_time(40)

    site.housekeep()
    assert run.status in ("failed", "finished") if verb == "cancel" and id == "started" else run.status == "failed"
    assert run.progress().counts.keys() <= {"finished", "canceled"}
    assert_nothing_held(site.store)


def test_a_failed_function_that_rq_requeues_is_counted_once(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), fail_fast=False, max_retries=0)
    site.take()
    site.fail("x")

    run.handle("x").job.requeue()
    site.touched.add(run.handle("x").id)
    assert site.take() == ["x"]
    site.finish("x", value=1)
    assert (run.status, run.summary().failed) == ("running", 1)
    site.finish("y", value=2)

    assert run.status == "failed"
    assert run.result(LIMIT_S, partial=True).results == {"x": 1, "y": 2}


def test_what_rq_deleted_does_not_keep_a_run_that_is_canceled_from_its_end(site: Site) -> None:
    site.node("a", cpu=2)
    site.cluster.tracker.request("a", {"cpu": 2})
    run = site.submit(*chain(2))
    run.handle("f2").job.delete()

    run.cancel()

    assert run.status == "canceled"


def test_what_rq_deleted_is_told_as_gone(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(*chain(2))
    run_to_the_end(site)
    run.handle("f1").job.delete()

    assert site.states(run) == {"f1": "gone", "f2": "finished"}
    with pytest.raises(UnknownFunction):
        run.result(LIMIT_S)
    partial = run.result(LIMIT_S, partial=True)
    assert (partial.results, set(partial.errors)) == ({"f2": None}, {"f1"})
