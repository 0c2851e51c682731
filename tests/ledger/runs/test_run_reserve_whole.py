"""A run with `reserve="whole"` holds for all of it before any starts, or leaves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.errors import ResourcesUnavailable, UnknownRun
from handoff.ledger import slices
from handoff.ledger.fields import FIELDS
from handoff.words.function import Collocated
from support.books import assert_nothing_held
from support.graphs import Site, chain, function
from support.runs import run_to_the_end


def test_a_run_that_reserves_whole_holds_for_all_of_it_before_any_starts(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=1)

    run = site.submit(*chain(3), reserve="whole")

    assert site.reservations() == {"f1": "a", "f2": "a", "f3": "b"}
    assert site.states(run) == {"f1": "queued", "f2": "deferred", "f3": "deferred"}


def test_of_several_costs_a_function_starts_with_the_one_that_was_reserved_for_it(site: Site) -> None:
    site.node("a", cpu=2)

    site.submit(function("x", cost=[{"gpu": 1}, {"cpu": 2}]), reserve="whole")
    site.take()

    [started] = site.agents["a"].runs.values()
    assert started.job[FIELDS["variant"].name] == b"1"


def test_a_run_that_cannot_reserve_whole_leaves_nothing(site: Site) -> None:
    site.node("a", cpu=2)
    before = site.traces()

    with pytest.raises(ResourcesUnavailable) as raised:
        site.submit(*chain(3), reserve="whole", id="big")

    assert raised.value.short == {"cpu": 1}
    site.housekeep()
    site.assert_traces(before)
    with pytest.raises(UnknownRun):
        site.cluster.run("big")


@pytest.mark.parametrize(("functions", "steps"), [(16, 1), (20, 2)])
def test_some_sixteen_functions_are_reserved_whole_in_one_step_and_more_in_several(
    site: Site, monkeypatch: pytest.MonkeyPatch, functions: int, steps: int
) -> None:
    site.node("a", cpu=functions)
    store: Any = site.cluster.store
    called, run = [], store.run

    def call(script: str, *rest: Any, **arguments: Any) -> Any:
        called.append(script)
        return run(script, *rest, **arguments)

    monkeypatch.setattr(store, "run", call)

    site.submit(*(function(f"f{number}") for number in range(functions)), reserve="whole")

    assert called.count("load") == steps


def test_a_graph_in_slices_that_cannot_reserve_whole_leaves_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE", 2)
    site.node("a", cpu=8)
    before = site.traces()

    with pytest.raises(ResourcesUnavailable):
        site.submit(*chain(10), reserve="whole", id="big")

    site.housekeep()
    site.assert_traces(before)
    assert_nothing_held(site.store)


def test_what_was_reserved_whole_is_given_back_function_by_function(site: Site) -> None:
    site.node("a", cpu=3)
    run = site.submit(*chain(3), reserve="whole")
    site.take()

    site.finish("f1")

    assert site.reservations() == {"f2": "a", "f3": "a"}
    assert run_to_the_end(site) == ["f2", "f3"]
    assert run.status == "finished"
    assert_nothing_held(site.store)


def test_what_is_reserved_whole_is_kept_from_all_others(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(*chain(2), reserve="whole")
    other = site.cluster.enqueue("tasks:work", cost={"cpu": 1}, priority=5)
    site.take()

    assert other.status == "waiting"
    site.finish("f1")

    assert other.status == "queued"
    assert site.states(run)["f2"] == "queued"


def test_a_function_whose_reservation_is_lost_with_a_node_runs_elsewhere(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    run = site.submit(*chain(2), reserve="whole")
    assert site.reservations() == {"f1": "a", "f2": "b"}
    site.take()

    site.lose("b")
    assert site.reservations() == {"f1": "a"}
    site.finish("f1")

    assert site.take() == ["f2"]
    assert site.running() == {"f2": "a"}
    site.finish("f2")
    assert run.status == "finished"


def test_a_function_whose_node_is_drained_moves_what_it_had_reserved(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    site.submit(*chain(2), reserve="whole")
    site.take()

    site.cluster.drain("b")
    site.finish("f1")

    assert site.reservations() == {"f2": "a"}


def test_a_retry_in_a_run_that_reserved_whole_reserves_anew(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(*chain(2), reserve="whole")
    site.take()

    site.fail("f1")
    assert site.reservations() == {"f2": "a"}
    site.pass_time(2)

    assert run_to_the_end(site) == ["f1", "f2"]
    assert run.status == "finished"


def test_a_retry_of_a_group_that_reserved_whole_stays_with_it(site: Site) -> None:
    site.node("a", cpu=3)
    site.node("b", cpu=3)
    claim = site.cluster.tracker.request("a", {"cpu": 1})
    site.submit(*(function(id, node=Collocated("x") if id != "x" else None) for id in "xyz"), reserve="whole")
    site.take()
    site.cluster.tracker.release(claim)

    site.fail("x")
    site.pass_time(2)

    assert site.reservations() == {"x": "b", "y": "b", "z": "b"}


def test_canceling_a_run_gives_back_what_it_reserved_whole(site: Site) -> None:
    site.node("a", cpu=3)
    run = site.submit(*chain(3), reserve="whole")
    site.take()

    assert run.cancel()

    assert site.reservations() == {"f1": "a"}
    assert site.obey() == {"f1"}
    assert_nothing_held(site.store)


def test_collocated_functions_are_reserved_whole_on_one_node(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=3)

    site.submit(
        function("x"), function("y", "x", node=Collocated("x")), function("z", node=Collocated("y")), reserve="whole"
    )

    assert site.reservations() == {"x": "b", "y": "b", "z": "b"}


def test_reserving_whole_takes_the_pinned_first(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)

    site.submit(function("x"), function("y", "x", node="a"), reserve="whole")

    assert site.reservations() == {"x": "b", "y": "a"}
