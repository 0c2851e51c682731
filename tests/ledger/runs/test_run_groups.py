"""On which node collocated functions of a run go, and who of them chooses it."""

from __future__ import annotations

from handoff.ledger.housekeeping import tick
from handoff.words.function import Collocated
from support.graphs import Site, function
from support.runs import run_to_the_end


def test_the_first_of_a_group_chooses_a_node_that_could_hold_all_that_may_run_together(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=2)

    run = site.submit(function("x"), function("y", node=Collocated("x")))

    assert site.reservations() == {"x": "b", "y": "b"}
    assert site.states(run) == {"x": "queued", "y": "queued"}


def test_a_group_of_which_no_two_may_run_together_needs_room_for_one(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=2)

    site.submit(function("x"), function("y", "x", node=Collocated("x")), function("z", "y", node=Collocated("x")))
    order = run_to_the_end(site)

    assert order == ["x", "y", "z"]
    assert {event["node"] for event in site.events("started")} == {"a"}


def test_the_node_that_is_chosen_need_not_be_idle(site: Site) -> None:
    site.node("a", cpu=2)
    site.cluster.tracker.request("a", {"cpu": 1})

    run = site.submit(function("x"), function("y", node=Collocated("x")))

    assert site.reservations() == {"x": "a"}
    assert site.states(run) == {"x": "queued", "y": "waiting"}


def test_the_others_of_a_group_are_pinned_to_the_node_that_was_chosen(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=9)
    run = site.submit(function("x"), function("y", "x", node=Collocated("x")), function("z", "x", node=Collocated("x")))
    site.take()
    site.cluster.tracker.request("a", {"cpu": 1})
    site.finish("x")

    assert site.reservations() == {"y": "a"}
    assert site.states(run) == {"x": "finished", "y": "queued", "z": "waiting"}
    assert run_to_the_end(site) == ["y", "z"]
    assert {event["node"] for event in site.events("started")} == {"a"}


def test_others_of_a_group_are_parked_while_the_first_waits_for_a_node(site: Site) -> None:
    site.node("a", cpu=2)
    site.cluster.tracker.request("a", {"cpu": 2})
    run = site.submit(function("x"), function("y", node=Collocated("x")), function("z", node=Collocated("x")))
    # Three may run together: no node could hold them.
    assert {site.finer(run, id) for id in "xyz"} == {"waiting", "parked"}
    site.node("b", cpu=3)
    tick(site.store)

    assert site.reservations() == {"x": "b", "y": "b", "z": "b"}


def test_what_is_parked_is_told_as_waiting(site: Site) -> None:
    site.node("a", cpu=2)
    site.cluster.tracker.request("a", {"cpu": 2})

    run = site.submit(function("x"), function("y", node=Collocated("x")))

    assert site.finer(run, "y") == "parked"
    assert site.states(run) == {"x": "waiting", "y": "waiting"}
    assert run.progress().counts == {"waiting": 2}
    assert run.progress().waiting.keys() == {"x", "y"}


def test_when_the_one_that_was_to_choose_is_canceled_the_next_chooses(site: Site) -> None:
    site.node("a", cpu=3)
    claim = site.cluster.tracker.request("a", {"cpu": 3})
    run = site.submit(*(function(id, node=Collocated("x") if id != "x" else None) for id in "xyz"), fail_fast=False)

    assert run.handle("x").cancel()
    site.check()
    assert {site.finer(run, id) for id in "yz"} == {"waiting", "parked"}
    site.cluster.tracker.release(claim)
    tick(site.store)

    assert site.reservations() == {"y": "a", "z": "a"}


def test_when_the_one_that_was_to_choose_waited_too_long_the_next_chooses(site: Site) -> None:
    site.node("a", cpu=2)
    claim = site.cluster.tracker.request("a", {"cpu": 2})
    run = site.submit(function("x", wait_ttl=5), function("y", node=Collocated("x")), fail_fast=False)
    site.pass_time(6)
    assert site.states(run) == {"x": "failed", "y": "waiting"}
    assert site.finer(run, "y") == "waiting"

    site.cluster.tracker.release(claim)

    assert site.reservations() == {"y": "a"}


def test_a_group_of_which_one_is_pinned_is_pinned(site: Site) -> None:
    site.node("a", cpu=4)
    site.node("b", cpu=1)

    site.submit(function("x"), function("y", "x", node=Collocated("z")), function("z", "y", node="b"), id="g")
    run_to_the_end(site)

    assert [event["node"] for event in site.events("started")] == ["a", "b", "b"]


def test_where_of_any_of_a_group_holds_for_all_of_it(site: Site) -> None:
    site.node("a", cpu=4)
    site.node("b", cpu=4, labels={"zone": "x"})

    site.submit(function("x"), function("y", "x", node=Collocated("x"), where={"zone": "x"}))

    assert site.reservations() == {"x": "b"}


def test_two_runs_of_one_graph_choose_each_for_itself(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)

    for id in ("one", "two"):
        site.submit(function(f"{id} x"), function(f"{id} y", node=Collocated(f"{id} x")), id=id)

    assert site.reservations() == {"one x": "a", "one y": "a", "two x": "b", "two y": "b"}


def test_no_node_need_have_what_a_group_wants_of_what_the_cluster_shares(site: Site) -> None:
    site.node("a", cpu=2)
    site.cluster.share({"license": 2})

    site.submit(
        function("x", cost={"cpu": 1, "license": 1}), function("y", cost={"license": 1}, node=Collocated("x")),
    )  # fmt: skip

    assert site.reservations() == {"x": "a", "y": "a"}
