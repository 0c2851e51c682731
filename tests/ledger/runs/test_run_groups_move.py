"""Collocated functions of a run choose again where their node is lost, drained or full."""

from __future__ import annotations

import pytest

from handoff.ledger.housekeeping import tick
from handoff.words.function import Collocated
from support.graphs import Site, function


def test_a_group_whose_node_is_lost_chooses_again(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    run = site.submit(function("x"), function("y", node=Collocated("x")), function("z", "x", "y", node=Collocated("x")))
    assert site.take() == ["x", "y"]
    site.finish("x")

    site.lose("a")
    site.pass_time(5)

    assert site.take() == ["y"]
    site.finish("y")
    assert site.take() == ["z"]
    assert site.running() == {"z": "b"}
    site.finish("z")
    assert run.status == "finished"


def test_what_waits_for_the_node_of_its_group_goes_elsewhere_when_that_is_lost(site: Site) -> None:
    site.node("a", cpu=2)
    run = site.submit(function("x"), *(function(id, "x", node=Collocated("x")) for id in "yz"))
    site.take()
    site.cluster.tracker.request("a", {"cpu": 1})
    site.finish("x")
    site.take()
    assert site.states(run) == {"x": "finished", "y": "started", "z": "waiting"}
    site.node("b", cpu=2)

    site.lose("a")
    site.pass_time(5)

    assert site.reservations() == {"y": "b", "z": "b"}


@pytest.mark.parametrize("verb", ["lose", "drain"])
def test_the_last_of_a_group_that_waits_for_a_node_goes_elsewhere_when_that_is_closed(site: Site, verb: str) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x"), function("y", "x", node=Collocated("x")))
    site.take()
    site.cluster.enqueue("tasks:work", cost={"cpu": 1}, node="a", priority=1)
    site.finish("x")
    assert site.states(run) == {"x": "finished", "y": "waiting"}
    site.node("b", cpu=1)
    assert site.reservations() == {}

    if verb == "lose":
        site.lose("a")
    else:
        site.cluster.drain("a")
        tick(site.store)

    assert site.reservations() == {"y": "b"}


def test_who_waits_for_a_lost_node_follows_a_member_that_chose_again_first(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    run = site.submit(
        function("x"), function("y", "x", node=Collocated("x")), function("z", "x", node=Collocated("x"), delay=25)
    )
    site.take()
    site.finish("x")
    assert site.states(run) == {"x": "finished", "y": "queued", "z": "delayed"}
    site.take()
    site.fail("y")
    site.cluster.tracker.request("a", {"cpu": 2})
    site.pass_time(2)
    assert site.states(run) == {"x": "finished", "y": "waiting", "z": "delayed"}

    site.lose("a")

    assert site.reservations() == {"y": "b", "z": "b"}


def test_a_group_whose_node_is_drained_chooses_again(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    run = site.submit(function("x"), function("y", "x", node=Collocated("x")))
    assert site.take() == ["x"]

    site.cluster.drain("a")
    site.finish("x")

    assert site.take() == ["y"]
    assert site.running() == {"y": "b"}
    site.finish("y")
    assert run.status == "finished"


def test_what_is_queued_on_a_node_that_is_drained_moves_with_its_group(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    site.submit(function("x"), function("y", node=Collocated("x")))
    assert site.reservations() == {"x": "a", "y": "a"}

    site.cluster.drain("a")
    tick(site.store)

    assert site.reservations() == {"x": "b", "y": "b"}


def test_a_retry_of_a_group_stays_on_the_node_that_was_chosen(site: Site) -> None:
    site.node("a", cpu=2)
    site.node("b", cpu=2)
    site.submit(function("x"), function("y", "x", node=Collocated("x")))
    site.take()
    other = site.cluster.enqueue("tasks:work", cost={"cpu": 2}, node="b")
    site.fail("x")
    site.cluster.tracker.request("a", {"cpu": 1})

    site.pass_time(2)

    assert site.reservations() == {"x": "a"}
    assert other.node == "b"
