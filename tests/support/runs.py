"""Runs brought to where a rule of theirs shows, on a `Site`."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.run_handle import RunHandle
from handoff.errors import StoreUnavailable
from handoff.ledger import slices
from handoff.ledger.housekeeping import tick
from handoff.words.function import Collocated, Function
from support.graphs import Site, function


def run_to_the_end(site: Site) -> list[str]:
    """Agents take and finish whatever there is, each function by itself. -> in which order they were taken"""
    order = []
    while True:
        order += site.take()
        running = list(site.running())
        if not running:
            return order
        site.finish(running[0])


def everywhere(site: Site, **options: Any) -> RunHandle:
    """A run with a function in each state; `culprit` runs, and so does `runs`."""
    site.node("a", cpu=3)
    site.node("b", gpu=1)
    site.cluster.tracker.request("b", {"gpu": 1})
    run = site.submit(
        function("culprit", max_retries=0),
        function("deferred", "culprit"),
        function("runs", priority=1),
        function("delayed", priority=1),
        function("waiting", cost={"gpu": 1}),
        function("chooses", cost={"gpu": 1}),
        function("parked", cost={}, node=Collocated("chooses")),
        function("late", delay=1000),
        function("queued", "first"),
        function("first", priority=2),
        **options,
    )
    assert site.take() == ["first", "runs", "delayed"]
    site.fail("delayed")
    assert site.take() == ["culprit"]
    site.finish("first")
    assert site.states(run) == {
        "culprit": "started",
        "deferred": "deferred",
        "runs": "started",
        "delayed": "delayed",
        "waiting": "waiting",
        "chooses": "waiting",
        "parked": "waiting",
        "late": "delayed",
        "queued": "queued",
        "first": "finished",
    }
    assert site.finer(run, "parked") == "parked"
    return run


NOT_STARTED = ("deferred", "delayed", "waiting", "chooses", "parked", "late", "queued")


def wide(site: Site, count: int, *others: Function, **options: Any) -> RunHandle:
    """A run of many functions that need nobody, and of others; all that starts at once has ended."""
    run = site.submit(*(function(f"w{i}") for i in range(count)), *others, **options)
    for _ in range(6):
        tick(site.store)
    site.take()
    site.finish(*site.running())
    return run


# Loading.


def load_half(site: Site, monkeypatch: pytest.MonkeyPatch, *functions: Function, **options: Any) -> None:
    """A client dies after the first slice of a graph."""
    original, loads = site.store.run, 0

    def dying(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        nonlocal loads
        loads += script == "load"
        if loads == 2:
            raise StoreUnavailable("here", "the client died")
        return original(script, *rest, **arguments)

    with monkeypatch.context() as patch:
        patch.setattr(slices, "SLICE", 4)
        patch.setattr(site.store, "run", dying)
        with pytest.raises(StoreUnavailable, match="the client died"):
            site.submit(*functions, **options)
