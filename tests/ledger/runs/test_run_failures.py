"""What becomes of a run when one of its functions fails."""

from __future__ import annotations

import pytest

from handoff.errors import FunctionCanceled, FunctionFailed
from handoff.ledger.housekeeping import tick
from support.agent import failure, ok
from support.books import assert_nothing_held
from support.graphs import Site, chain, function
from support.runs import NOT_STARTED, everywhere
from support.waiting import LIMIT_S


def attempts_until_it_failed(site: Site, id: str) -> int:
    count = 0
    while id in site.take():
        count += 1
        site.fail(id)
        site.pass_time(70)
    return count


def test_a_function_of_a_run_is_attempted_four_times(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2))

    assert attempts_until_it_failed(site, "f1") == 4

    assert run.status == "failed"
    with pytest.raises(FunctionFailed) as raised:
        run.result(LIMIT_S)
    assert (raised.value.function_id, raised.value.attempts) == ("f1", 4)
    assert (raised.value.exception_type, raised.value.message) == ("builtins.ValueError", "no f1")


@pytest.mark.parametrize(("of_run", "own", "expected"), [(0, None, 1), (0, 2, 3), (2, None, 3), (3, 0, 1)])
def test_a_function_is_retried_as_often_as_it_or_else_its_run_says(
    site: Site, of_run: int, own: int | None, expected: int
) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x", max_retries=own), max_retries=of_run)

    assert attempts_until_it_failed(site, "x") == expected
    assert run.status == "failed"


def test_what_no_retry_can_help_fails_at_once(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2))
    site.take()

    site.fail("f1", retryable=False)

    assert site.states(run) == {"f1": "failed", "f2": "canceled"}
    assert run.status == "failed"


def test_while_a_function_is_to_be_retried_its_run_goes_on(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y", "x"), function("z"))
    site.take()

    site.fail("x")

    assert site.states(run) == {"x": "delayed", "y": "deferred", "z": "started"}
    assert run.progress().counts == {"deferred": 1, "delayed": 1, "started": 1}
    assert run.status == "running"
    site.pass_time(2)
    assert "x" in site.take()
    site.finish("x")
    assert site.states(run)["y"] == "queued"


def test_the_first_failure_cancels_all_that_has_not_started_and_stops_what_runs(site: Site) -> None:
    run = everywhere(site, id="r")

    site.fail("culprit")
    tick(site.store)

    states = site.states(run)
    assert states == {
        **dict.fromkeys(NOT_STARTED, "canceled"), "culprit": "failed", "runs": "started", "first": "finished"
    }  # fmt: skip
    assert site.reservations().keys() & states.keys() == {"runs"}
    assert run.status == "running"
    assert site.obey() == {"runs"}
    assert site.states(run)["runs"] == "canceled"
    assert run.status == "failed"
    for id in (*NOT_STARTED, "runs"):
        with pytest.raises(FunctionCanceled) as raised:
            run.handle(id).result(LIMIT_S)
        assert raised.value.reason == "its run 'r' failed"


def test_the_result_of_a_failed_run_comes_when_what_ran_has_been_stopped(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), max_retries=0)
    site.take()
    site.fail("x")

    with pytest.raises(TimeoutError, match="1 of 2 functions have ended"):
        run.result(0.01)
    assert site.reservations() == {"y": "a"}
    site.obey()

    with pytest.raises(FunctionFailed, match="'x' failed"):
        run.result(LIMIT_S)
    assert_nothing_held(site.store)


def test_what_ends_while_its_run_is_stopped_is_canceled_whatever_it_returns(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("z", "y"), max_retries=0)
    site.take()
    site.fail("x")

    assert site.finish("y", value=1) == ["canceled"]

    assert site.states(run) == {"x": "failed", "y": "canceled", "z": "canceled"}
    assert run.status == "failed"


def test_what_becomes_ready_in_the_call_that_stops_its_run_is_ended_once(site: Site) -> None:
    agent = site.node("a", cpu=2)
    run = site.submit(function("x"), function("y"), function("z", "y"), max_retries=0)
    site.take()

    agent.finish(ok(site.agent_of("y")[1].id), failure(site.agent_of("x")[1].id))
    site.housekeep()

    assert site.states(run) == {"x": "failed", "y": "finished", "z": "canceled"}
    assert [event["job"] for event in site.events("canceled")] == [run.handle("z").id]
    assert len(run.handle("z").job.results()) == 1


@pytest.mark.parametrize("fail_fast", [True, False], ids=["fail fast", "go on"])
def test_of_two_failures_the_first_is_the_one_that_is_raised(site: Site, fail_fast: bool) -> None:
    site.node("a", cpu=3)
    run = site.submit(function("x"), function("y"), function("z"), max_retries=0, fail_fast=fail_fast)
    site.take()

    site.fail("y", "x")
    site.fail("z")

    with pytest.raises(FunctionFailed) as raised:
        run.result(LIMIT_S)
    assert raised.value.function_id == "y"


def test_without_fail_fast_independent_branches_finish(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(
        function("x"), function("y", "x"), function("z", "y"), function("u"), function("v", "u"),
        function("w", "v", "z"), fail_fast=False, max_retries=0,
    )  # fmt: skip
    site.take()

    site.fail("x")

    assert site.states(run) == {
        "x": "failed", "y": "canceled", "z": "canceled", "u": "started", "v": "deferred", "w": "canceled"
    }  # fmt: skip
    assert run.status == "running"
    site.finish("u", value=1)
    site.take()
    site.finish("v", value=2)
    assert run.status == "failed"
    with pytest.raises(FunctionFailed, match="'x' failed"):
        run.result(LIMIT_S)
    partial = run.result(LIMIT_S, partial=True)
    assert partial.results == {"u": 1, "v": 2}
    assert partial.errors.keys() == {"x", "y", "z", "w"}


def test_what_is_skipped_names_the_function_that_failed_and_not_the_one_between(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(*chain(4), fail_fast=False, max_retries=0)
    site.take()

    site.fail("f1")

    for id in ("f2", "f3", "f4"):
        with pytest.raises(FunctionCanceled) as raised:
            run.handle(id).result(LIMIT_S)
        assert raised.value.reason.startswith("its dependency 'f1' ")
    assert run.status == "failed"


def test_what_is_skipped_holds_nothing_of_a_run_that_reserved_whole(site: Site) -> None:
    site.node("a", cpu=4)
    site.submit(*chain(3), function("x"), fail_fast=False, max_retries=0, reserve="whole")
    site.take()

    site.fail("f1")

    assert site.reservations() == {"x": "a"}


def test_a_function_that_lacks_several_dependencies_is_skipped_once(site: Site) -> None:
    site.node("a", cpu=3)
    run = site.submit(function("x"), function("y"), function("z", "x", "y"), fail_fast=False, max_retries=0)
    site.take()

    site.fail("x", "y")

    assert site.states(run) == {"x": "failed", "y": "failed", "z": "canceled"}
    assert (run.summary().failed, run.summary().canceled) == (2, 1)
    assert run.status == "failed"


def test_what_succeeds_in_a_retry_lets_its_run_finish(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(3))
    for id in ("f1", "f2", "f3"):
        site.take()
        site.fail(id)
        site.pass_time(2)
        site.take()
        site.finish(id, value=id)

    assert run.result(LIMIT_S).results == {"f1": "f1", "f2": "f2", "f3": "f3"}
    assert run.handle("f2").attempts == 2
