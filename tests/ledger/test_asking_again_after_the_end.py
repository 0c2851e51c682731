"""A graph that is loaded again, because the reply was lost, is not run again, though nothing of its run is kept."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import Infeasible, ResourcesUnavailable
from handoff.ledger import slices
from handoff.ledger.keys import prefix
from handoff.ledger.rqmodel import RQ_KEY_PREFIX
from handoff.words.function import Function
from support.graphs import Site, chain, function, graph

Call = tuple[Callable[[], list[Any]], list[Any]]
"""A call that can be made again, and what it was answered."""


@pytest.fixture
def site(cluster: Cluster) -> Site:
    site = Site(cluster)
    site.node("a", cpu=2)
    return site


def submit(site: Site, *functions: Function, **options: Any) -> list[Call]:
    """Submit a graph, which may be refused. -> the calls by which that was done"""
    original, calls = site.store.run, list[Call]()

    def noting(script: str, *rest: Any, **arguments: Any) -> list[Any]:
        reply = original(script, *rest, **arguments)
        calls.append((lambda: original(script, *rest, **arguments), list(reply)))
        return reply

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.store, "run", noting)
        with contextlib.suppress(Infeasible, ResourcesUnavailable):
            site.cluster.submit_dag(graph(*functions), **options)
    return calls


def run_to_the_end(site: Site) -> None:
    while ids := site.take():
        site.finish(*ids)
    site.housekeep()


def expire(site: Site) -> None:
    """Let the time be over for which keys of RQ, and of the run, are kept."""
    client: Any = site.store.client
    ledger = site.ledger()
    keys = [f"{prefix(site.store.namespace)}{key}" for key in ledger.own if not key.startswith("gone:")]
    for key in [*keys, *(f"{RQ_KEY_PREFIX}:{key}" for key in ledger.rq if not key.startswith("worker"))]:
        if client.pttl(key) > 0:
            client.delete(key)
    site.housekeep()


def ask_again(site: Site, calls: list[Call]) -> None:
    """Each call is answered as it was, and nothing comes of it."""
    before = site.traces()
    for call, reply in calls:
        assert call() == reply
    site.housekeep()
    site.assert_traces(before)
    assert site.take() == []


@pytest.mark.parametrize("size", [2, 64], ids=["in slices", "in one slice"])
def test_a_run_that_has_finished_and_is_not_kept_is_not_run_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(slices, "SLICE", size)
    calls = submit(site, *chain(6), result_ttl=0)
    run_to_the_end(site)

    ask_again(site, calls)


def test_a_run_that_has_failed_and_is_not_kept_is_not_run_again(site: Site) -> None:
    calls = submit(site, *chain(2), failure_ttl=0, max_retries=0, max_concurrency=1)
    site.take()
    site.fail("f1")
    site.housekeep()

    ask_again(site, calls)


def test_an_empty_graph_that_is_not_kept_is_not_run_again(site: Site) -> None:
    calls = submit(site, result_ttl=0)
    site.housekeep()

    ask_again(site, calls)


def test_a_run_that_is_kept_for_less_time_than_anybody_may_ask_is_not_run_again(site: Site) -> None:
    calls = submit(site, function("x"), result_ttl=5)
    run_to_the_end(site)
    expire(site)

    ask_again(site, calls)


def test_a_run_that_is_kept_long_enough_leaves_no_word_beside_it(site: Site) -> None:
    submit(site, function("x"))
    run_to_the_end(site)

    assert not [key for key in site.ledger().own if key.startswith("gone:")]


def test_a_graph_that_was_refused_is_refused_again_though_a_node_has_come(site: Site) -> None:
    calls = submit(site, function("x", cost={"gpu": 1}, on_infeasible="raise"), function("y"))
    site.node("g", gpu=1)

    ask_again(site, calls)


def test_a_graph_that_could_not_reserve_is_told_so_again_though_there_is_room_by_now(site: Site) -> None:
    claim = site.cluster.tracker.request("a", {"cpu": 2})
    calls = submit(site, function("x"), reserve="whole")
    site.cluster.tracker.release(claim)

    ask_again(site, calls)
