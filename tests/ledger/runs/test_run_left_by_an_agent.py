"""A run goes on where the agent of a node leaves before its functions have ended."""

from __future__ import annotations

import pytest

from handoff.errors import NodeLost
from support.graphs import Site, chain, function
from support.runs import run_to_the_end


def leave(site: Site, name: str) -> None:
    site.agents.pop(name).goodbye("grace 3")
    site.check()


def test_what_it_ran_is_tried_elsewhere_and_the_run_goes_on(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    run = site.submit(function("x"), function("y"), function("z", "x", "y"))
    site.take()

    leave(site, "a")

    site.pass_time(5)
    run_to_the_end(site)
    assert set(run.result(0).allocations.values()) == {"b"}
    assert run.handle("x").attempts == 2


def test_without_retries_the_run_fails_and_says_what_has_stopped_it(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(*chain(2), max_retries=0)
    site.take()

    leave(site, "a")
    site.pass_time(1)

    with pytest.raises(NodeLost) as raised:
        run.result(0)
    assert raised.value.reason == "the agent on node a was told to stop and its grace of 3 s ended"
    assert site.states(run) == {"f1": "failed", "f2": "canceled"}


def test_what_a_run_had_reserved_there_is_given_back_and_reserved_elsewhere(site: Site) -> None:
    site.node("a", cpu=1)
    site.node("b", cpu=1)
    run = site.submit(function("x"), function("y", "x"), reserve="whole")
    site.take()
    assert site.reservations() == {"x": "a", "y": "b"}

    leave(site, "b")
    assert site.reservations() == {"x": "a"}
    leave(site, "a")
    assert site.reservations() == {}

    site.node("c", cpu=1)
    site.pass_time(5)
    run_to_the_end(site)
    assert set(run.result(0).allocations.values()) == {"c"}
