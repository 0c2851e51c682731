"""Waiting, delays and limits of time of single functions of a run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from handoff.errors import Infeasible, WaitExpired
from support.graphs import START_MS, Site, function
from support.waiting import LIMIT_S


def test_what_no_node_could_hold_for_so_long_fails_its_run(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x"), function("y", "x", cost={"gpu": 1}, on_infeasible=10))
    site.pass_time(60)
    site.take()
    site.finish("x")
    site.pass_time(5)
    assert run.status == "running"

    site.pass_time(20)

    assert site.states(run) == {"x": "finished", "y": "failed"}
    with pytest.raises(Infeasible) as raised:
        run.result(LIMIT_S)
    assert raised.value.function_id == "y"


def test_what_waits_longer_than_its_wait_ttl_fails_its_run(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x"), function("y", "x", wait_ttl=10), function("z", cost={}))
    site.pass_time(60)
    site.take()
    site.cluster.enqueue("tasks:work", cost={"cpu": 1}, priority=9)
    site.finish("x")
    site.pass_time(9)
    assert site.states(run) == {"x": "finished", "y": "waiting", "z": "started"}

    site.pass_time(2)

    assert site.states(run)["y"] == "failed"
    assert site.obey() == {"z"}
    with pytest.raises(WaitExpired) as raised:
        run.result(LIMIT_S)
    assert raised.value.function_id == "y"


def test_a_delay_begins_when_all_that_is_taken_has_ended(site: Site) -> None:
    site.node("a", cpu=1)
    run = site.submit(function("x"), function("y", "x", delay=10))
    site.pass_time(60)
    site.take()

    site.finish("x")
    assert site.states(run)["y"] == "delayed"
    site.pass_time(9.9)
    assert site.states(run)["y"] == "delayed"
    site.pass_time(0.1)

    assert site.states(run)["y"] == "queued"


def test_what_is_not_to_start_before_a_time_waits_for_that_and_for_what_it_takes(site: Site) -> None:
    site.node("a", cpu=1)
    at = datetime.fromtimestamp(START_MS / 1000, UTC) + timedelta(seconds=100)
    run = site.submit(function("x"), function("y", "x", at=at), function("z", "y", at=at))
    site.take()
    site.finish("x")
    assert site.states(run)["y"] == "delayed"
    site.pass_time(99)
    assert site.take() == []

    site.pass_time(1)

    assert site.take() == ["y"]
    site.finish("y")
    assert site.states(run)["z"] == "queued"


def test_what_reserved_whole_keeps_its_reservation_while_it_is_delayed(site: Site) -> None:
    site.node("a", cpu=2)
    site.submit(function("x"), function("y", "x", delay=10), reserve="whole")
    site.take()

    site.finish("x")
    assert site.reservations() == {"y": "a"}
    site.pass_time(10)

    assert site.take() == ["y"]
