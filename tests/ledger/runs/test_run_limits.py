"""How much of a run is on nodes at a time, and for how long it may go on."""

from __future__ import annotations

import pytest

from handoff.errors import FunctionCanceled, RunTimedOut
from support.graphs import Site, chain, function
from support.runs import run_to_the_end
from support.waiting import LIMIT_S


def test_no_more_of_a_run_is_on_nodes_than_its_max_concurrency(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    run = site.submit(*(function(f"f{i}") for i in range(9)), max_concurrency=3)

    for ended in range(9):
        site.take()
        running = list(site.running())
        assert len(site.reservations()) == len(running) == min(3, 9 - ended)
        site.finish(running[-1])

    assert run.status == "finished"
    assert len({event["node"] for event in site.events("started")}) == 2


def test_max_concurrency_limits_one_run_and_no_other(site: Site) -> None:
    site.node("a", cpu=9)

    site.submit(*(function(f"x{i}") for i in range(4)), max_concurrency=1)
    site.submit(*(function(f"y{i}") for i in range(4)), max_concurrency=2)
    site.submit(*(function(f"z{i}") for i in range(4)))

    assert sorted(id[0] for id in site.take()) == ["x", "y", "y", "z", "z", "z", "z"]


@pytest.mark.parametrize("ending", ["finish", "fail", "cancel"])
def test_of_the_limit_of_a_run_nothing_is_left_when_it_has_ended(site: Site, ending: str) -> None:
    site.node("a", cpu=9)
    run = site.submit(*(function(f"x{i}") for i in range(3)), max_concurrency=1, max_retries=0)
    site.take()
    assert site.cluster.shared() == {}
    assert "node:*" in site.ledger().own

    if ending == "finish":
        run_to_the_end(site)
    elif ending == "fail":
        site.fail("x0")
    else:
        run.cancel()
        site.obey()

    assert run.summary().ended_at is not None
    assert "node:*" not in site.ledger().own
    assert token_counters(site) == []


def token_counters(site: Site) -> list[str]:
    """Counters of overtaking that are named after the limits of runs."""
    return [field for field in site.ledger().get("overtaking") if "run." in field]


def test_of_what_a_run_with_a_limit_overtook_nothing_is_counted_when_it_has_ended(site: Site) -> None:
    site.node("a", cpu=9)
    site.cluster.tracker.request("a", {"cpu": 1})
    site.cluster.enqueue("tasks:work", cost={"cpu": 9})

    site.submit(*(function(f"x{i}") for i in range(3)), max_concurrency=1)

    assert len(token_counters(site)) == 1
    run_to_the_end(site)
    assert token_counters(site) == []


def test_the_limit_of_a_run_and_what_the_cluster_shares_go_side_by_side(site: Site) -> None:
    site.node("a", cpu=9)
    site.cluster.share({"license": 1})
    site.submit(*(function(f"x{i}", cost={"license": 1}) for i in range(2)), *(function(f"y{i}") for i in range(2)),
        max_concurrency=2)  # fmt: skip

    assert site.take() == ["x0", "y0"]
    assert site.cluster.shared() == {"license": 1}
    site.finish("y0")
    assert site.take() == ["y1"]
    site.finish("x0", "y1")
    assert site.take() == ["x1"]
    site.finish("x1")
    assert site.cluster.shared() == {"license": 1}


def test_a_run_that_has_not_ended_in_time_is_stopped(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2), timeout=30)
    site.take()
    site.pass_time(29.9)
    assert site.states(run) == {"f1": "started", "f2": "deferred"}

    site.pass_time(0.1)

    assert site.states(run) == {"f1": "started", "f2": "canceled"}
    assert site.obey() == {"f1"}
    assert run.status == "failed"
    assert run.summary().reason == "timeout"
    with pytest.raises(RunTimedOut) as raised:
        run.result(LIMIT_S)
    assert (raised.value.id, raised.value.seconds) == (run.id, 30)
    with pytest.raises(FunctionCanceled, match="took too long"):
        run.handle("f2").result(LIMIT_S)


def test_a_run_that_has_ended_in_time_has_no_limit_left(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(1), timeout=30)
    run_to_the_end(site)

    assert site.ledger().get("timers") == {}
    site.pass_time(60)
    assert run.status == "finished"
