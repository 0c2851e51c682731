"""A graph that is loaded in slices starts when all of it is there, or leaves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.errors import Infeasible, NotSerializable, StoreUnavailable, TooLarge, UnknownRun
from handoff.ledger import slices
from handoff.words.function import Collocated, Function
from support.graphs import Site, chain, function
from support.runs import load_half, run_to_the_end


def test_nothing_of_a_graph_starts_before_all_of_it_is_loaded(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.node("a", cpu=9)

    load_half(site, monkeypatch, *(function(f"f{i}") for i in range(9)), id="r")
    site.pass_time(59)

    assert site.take() == []
    assert site.cluster.run("r").status == "running"


def test_what_functions_have_in_common_stands_once_in_each_slice_and_in_each_of_their_hashes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "SLICE", 4)
    original, kinds = site.store.run, []

    def counted(script: str, *values: Any, **arguments: Any) -> Any:
        kinds.append(values.count("kind"))
        return original(script, *values, **arguments)

    with monkeypatch.context() as patch:
        patch.setattr(site.store, "run", counted)
        run = site.submit(*(function(f"f{i}", timeout=10 + i % 2) for i in range(9)))

    assert len(kinds) > 2
    assert set(kinds) == {2}
    for i in range(9):
        stored = site.cluster.connection.hgetall(site.store.keys("rq_job", run.handle(f"f{i}").id))
        assert (stored[b"timeout"], stored[b"h_function"]) == (b"%d" % (10 + i % 2), b"f%d" % i)


def test_a_graph_that_is_not_loaded_to_its_end_is_dropped_after_a_minute(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.node("a", cpu=9)
    before = site.traces()
    load_half(site, monkeypatch, *chain(9), function("g"), id="r", max_concurrency=2, attached=True)
    assert site.traces() != before

    site.pass_time(61)
    site.housekeep()

    site.assert_traces(before)
    with pytest.raises(UnknownRun):
        site.cluster.run("r")
    assert site.submit(*chain(2), id="r").status == "running"


def test_a_graph_that_reserves_whole_and_is_not_loaded_to_its_end_gives_all_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.node("a", cpu=9)
    waits = site.cluster.enqueue("tasks:work", cost={"cpu": 9}, delay=1)
    load_half(site, monkeypatch, *chain(9), reserve="whole")

    site.pass_time(2)
    site.pass_time(61)
    site.housekeep()

    assert site.reservations() == {}
    assert waits.status == "queued"


def test_a_graph_that_is_being_loaded_can_be_canceled_and_leaves_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.node("a", cpu=9)
    before = site.traces()
    load_half(site, monkeypatch, *chain(9), id="r")

    assert site.cluster.run("r").cancel()

    site.housekeep()
    site.assert_traces(before)
    with pytest.raises(UnknownRun):
        site.cluster.run("r")


def test_where_a_graph_is_not_loaded_to_its_end_the_run_before_it_is_the_newest_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.node("a", cpu=9)
    site.submit(*chain(2), id="r")
    run_to_the_end(site)
    load_half(site, monkeypatch, *chain(9), id="r")

    site.pass_time(61)
    site.housekeep()

    assert site.cluster.run("r").summary().total == 2


def test_a_slice_that_comes_too_late_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.node("a", cpu=9)
    before = site.traces()
    original, loads = site.store.run, 0

    def slow(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        nonlocal loads
        loads += script == "load"
        if script == "load" and loads == 3:
            site.pass_time(61)
        return original(script, *rest, **arguments)

    monkeypatch.setattr(slices, "SLICE", 2)
    monkeypatch.setattr(site.store, "run", slow)
    with pytest.raises(StoreUnavailable, match="more than a minute"):
        site.submit(*chain(9))

    site.housekeep()
    site.assert_traces(before)


def test_a_graph_in_many_slices_runs_as_in_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE", 1)
    site.node("a", cpu=1)
    functions = [
        function("last", *(f"m{i}" for i in range(20)), "root"),
        *(function(f"m{i}", "root", node=Collocated("root") if i == 5 else None) for i in range(20)),
        function("root"),
    ]

    run = site.submit(*functions)

    assert run_to_the_end(site) == ["root", *(f"m{i}" for i in range(20)), "last"]
    assert run.status == "finished"
    assert len(run.handle("last").job.dependency_ids) == 21


def test_what_follows_in_more_steps_than_one_script_takes_follows_all_the_same(site: Site) -> None:
    site.node("a", cpu=300)
    width = 150
    run = site.submit(
        function("root"),
        *(function(f"m{i}", "root") for i in range(width)),
        function("last", *(f"m{i}" for i in range(width))),
    )
    site.take()

    site.finish("root")
    site.housekeep()

    assert run.progress().counts == {"finished": 1, "queued": width, "deferred": 1}
    assert sorted(site.take()) == sorted(f"m{i}" for i in range(width))
    site.finish(*(f"m{i}" for i in range(width)))
    site.housekeep()
    assert site.take() == ["last"]
    site.finish("last")
    assert run.status == "finished"


def test_a_wide_run_is_canceled_to_its_last_function(site: Site) -> None:
    site.node("a", cpu=3)
    run = site.submit(*(function(f"f{i}") for i in range(150)), function("last", *(f"f{i}" for i in range(150))))
    site.take()

    assert run.cancel()
    site.housekeep()
    site.obey()

    assert run.progress().counts == {"canceled": 151}
    assert run.status == "canceled"


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (function("bad", "f9", extra_args=(object(),)), NotSerializable),
        (function("bad", "f9", extra_args=(b"x" * 9_000_000,)), TooLarge),
        (function("bad", "f9", cost={"gpu": 1}, on_infeasible="raise"), Infeasible),
    ],
    ids=["not serializable", "too large", "infeasible"],
)
def test_a_graph_that_is_refused_for_one_of_its_functions_leaves_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch, bad: Function, error: type[Exception]
) -> None:
    monkeypatch.setattr(slices, "SLICE", 4)
    site.node("a", cpu=9)
    before = site.traces()

    with pytest.raises(error, match="bad" if error is not NotSerializable else "object"):
        site.submit(*chain(9), bad, id="r", max_concurrency=3)

    site.housekeep()
    site.assert_traces(before)
    assert site.submit(*chain(1), id="r").status == "running"
