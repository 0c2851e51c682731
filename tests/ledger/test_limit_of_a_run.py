"""The limit of a run goes with the run: nobody who waits for one of its tokens, or has them held, is left behind."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.client.run_handle import RunHandle
from support.agent import killed
from support.graphs import Site, function

LATE_S = 61
"""After so long the first that waits has a node, or tokens, held for it."""


@pytest.fixture
def site(cluster: Cluster) -> Site:
    site = Site(cluster)
    site.node("a", cpu=4)
    return site


def requeue(site: Site, run: RunHandle, id: str) -> None:
    """By rq's tools, a function that has failed."""
    handle = run.handle(id)
    handle.job.requeue()
    site.touched.add(handle.id)


def bring_back(site: Site) -> RunHandle:
    """A run of which `x`, which rq brought back, still runs when the run has ended. It may be tried again."""
    run = site.submit(function("x"), function("y"), max_concurrency=2, fail_fast=False, max_retries=3)
    site.take()
    site.fail("x", retryable=False)
    requeue(site, run, "x")
    site.take()
    site.finish("y")
    assert (run.status, site.states(run)["x"]) == ("failed", "started")
    return run


@pytest.mark.parametrize("limit", [1, 2])
def test_what_rq_brings_back_while_its_run_still_runs_needs_none_of_its_tokens(site: Site, limit: int) -> None:
    run = site.submit(
        function("x"), function("y"), function("z"), max_concurrency=limit, fail_fast=False, max_retries=0
    )
    site.take()
    site.fail("x")
    site.take()

    requeue(site, run, "x")
    site.take()

    assert site.states(run)["x"] == "started"
    assert len(site.running()) == limit + 1
    site.finish("x", value=1)
    assert (run.status, run.handle("x").result(timeout=0)) == ("running", 1)
    while ids := list(site.running()):
        site.finish(*ids)
        site.take()
    assert run.status == "failed"


@pytest.mark.parametrize("others", [False, True], ids=["it was the only run", "another run has a limit too"])
def test_tokens_that_are_held_for_somebody_may_go_with_their_run(site: Site, others: bool) -> None:
    if others:
        site.submit(function("other"), max_concurrency=1)
    run = site.submit(function("y"), function("x"), max_concurrency=1)
    site.take()
    site.pass_time(LATE_S)
    [held] = site.events("held")
    assert held["job"] == run.handle("x").id

    # Nobody comes upon what rq does before all of the run has ended.
    run.handle("x").job.cancel()
    site.touched.add(run.handle("x").id)
    run.cancel()
    site.agents["a"].finish(*(killed(id) for id in site.agents["a"].beat()))
    site.housekeep()

    assert run.status == "canceled"
    assert site.ledger().get("holds") == {}
    [ended] = site.events("unheld")
    assert ended["job"] == held["job"]


def test_what_rq_brought_back_is_tried_again_without_the_limit_when_its_run_has_ended(site: Site) -> None:
    run = bring_back(site)

    site.fail("x")
    site.pass_time(LATE_S)
    site.housekeep()
    site.take()

    assert site.states(run)["x"] == "started"


def test_what_rq_brought_back_goes_on_without_the_limit_when_its_run_has_ended_and_its_node_is_lost(
    site: Site,
) -> None:
    run = bring_back(site)
    site.node("b", cpu=4)

    site.lose("a")
    site.pass_time(LATE_S)
    site.take()

    assert site.running() == {"x": "b"}
    assert site.states(run)["x"] == "started"


def test_what_rq_brought_back_and_is_queued_when_its_run_ends_goes_on_when_its_node_is_lost(cluster: Cluster) -> None:
    site = Site(cluster)
    site.node("a", cpu=1)
    run = site.submit(function("x"), function("y"), max_concurrency=2, fail_fast=False, max_retries=0)
    site.take()
    site.fail("x")
    site.take()
    site.node("b", cpu=1)
    requeue(site, run, "x")
    site.take("a")
    site.finish("y")
    assert run.handle("x").node == "b"

    site.lose("b")
    site.housekeep()

    assert site.states(run)["x"] == "queued"
    assert run.handle("x").node == "a"


def test_what_rq_brought_back_gives_its_token_back_to_a_limit_that_has_gone(site: Site) -> None:
    site.cluster.share({"seats": 1})
    before = site.ledger().get("node:*")
    run = bring_back(site)

    site.finish("x")
    site.housekeep()

    assert site.states(run) == {"x": "finished", "y": "finished"}
    assert site.ledger().get("node:*") == before
