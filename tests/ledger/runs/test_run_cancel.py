"""A run is canceled by its user, by one of its functions, or for its client has gone."""

from __future__ import annotations

import pytest

from handoff.errors import FunctionCanceled, RunCanceled
from handoff.graph.plan import make_plan
from handoff.graph.rules import check_graph
from handoff.ledger import launch, runs
from handoff.ledger.housekeeping import tick
from handoff.ledger.run_options import RunOptions
from handoff.serializer import Serializer
from support.graphs import Site, chain, function
from support.runs import NOT_STARTED, everywhere, run_to_the_end
from support.waiting import LIMIT_S

LARGE = 100
"""More functions than one call stops."""


def test_canceling_a_run_decides_once(site: Site) -> None:
    run = everywhere(site)

    assert run.cancel()
    assert not run.cancel()
    tick(site.store)

    assert site.states(run) == {
        **dict.fromkeys(NOT_STARTED, "canceled"), "culprit": "started", "runs": "started", "first": "finished"
    }  # fmt: skip
    assert run.status == "running"
    assert site.obey() == {"culprit", "runs"}
    assert run.status == "canceled"
    assert not run.cancel()
    with pytest.raises(RunCanceled, match="was canceled"):
        run.result(LIMIT_S)
    assert run.result(LIMIT_S, partial=True).results == {"first": None}


def test_canceling_a_run_that_has_ended_changes_nothing(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(1))
    run_to_the_end(site)

    assert not run.cancel()
    assert run.status == "finished"


def test_canceling_one_function_stops_its_run(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("z", "y"))
    site.take()

    assert run.handle("z").cancel()

    assert site.obey() == {"x", "y"}
    assert run.status == "failed"
    with pytest.raises(FunctionCanceled) as raised:
        run.result(LIMIT_S)
    assert raised.value.function_id == "z"


def test_without_fail_fast_canceling_one_function_skips_what_takes_it(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), *chain(3), fail_fast=False)
    site.take()

    assert run.handle("f2").cancel()

    assert site.states(run) == {"x": "started", "f1": "started", "f2": "canceled", "f3": "canceled"}
    site.finish("x", "f1", value=1)
    assert run.result(LIMIT_S, partial=True).results == {"x": 1, "f1": 1}
    with pytest.raises(FunctionCanceled) as raised:
        run.handle("f3").result(LIMIT_S)
    assert "'f2'" in raised.value.reason


def test_a_function_that_runs_and_is_canceled_ends_its_run_when_it_is_stopped(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2))
    site.take()

    assert run.handle("f1").cancel()
    assert run.status == "running"
    assert site.obey() == {"f1"}

    assert site.states(run) == {"f1": "canceled", "f2": "canceled"}
    assert run.status == "failed"


def test_an_attached_run_is_canceled_when_its_client_has_gone(site: Site) -> None:
    site.node("a", cpu=1)
    run = attached(site)
    site.take()
    site.pass_time(14)
    assert runs.attend(site.store, run)
    site.pass_time(14.9)
    assert (site.obey(), site.running()) == (set(), {"f1": "a"})
    assert runs.look_run(site.store, "attached").status == "running"

    site.pass_time(0.1)

    assert site.obey() == {"f1"}
    assert not runs.attend(site.store, run)
    handle = site.cluster.run("attached")
    assert (handle.status, handle.summary().reason) == ("canceled", "detached")
    with pytest.raises(RunCanceled, match="its client went away"):
        handle.result(LIMIT_S)
    with pytest.raises(FunctionCanceled) as raised:
        handle.handle("f2").result(LIMIT_S)
    assert raised.value.reason == "its run 'attached' was left alone"


def test_an_attached_run_that_has_ended_needs_nobody(site: Site) -> None:
    site.node("a", cpu=1)
    run = attached(site)
    run_to_the_end(site)

    assert not runs.attend(site.store, run)
    site.pass_time(60)
    assert site.cluster.run("attached").status == "finished"


def attached(site: Site) -> str:
    """An attached run whose client says nothing by itself."""
    plan = make_plan("attached", check_graph(chain(2)), [None, None])
    return launch.launch(
        site.store, plan, options=RunOptions(attached=True), serializer=Serializer,
        strategy="first_available", preferred={},
    )  # fmt: skip


def test_a_run_goes_on_without_its_client_unless_it_is_attached(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2))

    site.pass_time(100)

    assert run.status == "running"
    assert run_to_the_end(site) == ["f1", "f2"]


def test_the_room_that_a_canceled_run_gives_up_goes_to_who_waits(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"))
    other = site.cluster.enqueue("tasks:work", cost={"cpu": 2})

    run.cancel()

    assert other.status == "queued"


def test_of_a_run_that_is_not_stopped_to_its_end_yet_nothing_starts(site: Site) -> None:
    site.node("a", cpu=LARGE)
    run = site.submit(*(function(f"f{i}") for i in range(LARGE)))
    site.housekeep()
    run.cancel()
    assert "queued" in site.states(run).values()

    assert site.take() == []
