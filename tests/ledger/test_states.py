"""The table of moves is what functions do: no script writes another one, and each is seen."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.errors import HandoffError
from handoff.ledger.states import BY_RQ, ENDED, MOVES, STATES, TERMINAL, Move
from handoff.local.server import RedisServer
from handoff.words.function import Collocated
from support.agent import FakeAgent, NameTaken, Stale, unstarted
from support.flows import FLOWS, Scene
from support.graphs import Site, function
from support.moves import watching
from support.rq_states import to_canceled, to_failed, to_finished
from support.rq_verbs import VERBS
from support.runs import everywhere
from support.submits import NOW_MS

Pairs = set[tuple[str, str]]

ON_A_REAL_SERVER = pytest.mark.parametrize("connection", ["real"], indirect=True)
"""Only a real server shows what scripts do."""


def pairs(moves: tuple[Move, ...]) -> Pairs:
    return {(move.before, move.after) for move in moves}


@contextmanager
def fresh(connection: redis.Redis) -> Iterator[Cluster]:
    """An empty namespace."""
    with Cluster(connection=connection, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        yield cluster


# What becomes of functions: each of these plays some moves.


def run_and_are_tried_again(site: Site) -> None:
    site.node("a", cpu=1)
    for id, options in {"f": {}, "g": {"max_retries": 1}, "late": {"delay": 5}}.items():
        site.cluster.submit(function(id, **options))
    site.take()
    site.finish("f")
    site.take()
    site.fail("g")
    site.pass_time(2)
    site.pass_time(5)
    site.take()
    site.fail("g")


def are_started_where_no_process_can_be(site: Site) -> None:
    site.node("a", cpu=2)
    for id in ("f", "g"):
        handle = site.cluster.submit(function(id))
        site.take()
        agent = site.agents["a"]
        agent.quiet()
        if id == "g":
            site.node("b", cpu=2)
        [started] = agent.runs
        agent.finish(unstarted(started))
        handle.cancel()
        agent.quiet(False)
    run = site.submit(function("x"), function("y", node=Collocated("x")))
    site.take()
    for agent in site.agents.values():
        agent.quiet()
    for agent in site.agents.values():
        agent.finish(*map(unstarted, list(agent.runs)))
    run.cancel()


def wait_in_vain(site: Site) -> None:
    site.node("a", cpu=1)
    site.cluster.submit(function("queued", wait_ttl=5))
    site.cluster.submit(function("waiting", wait_ttl=5))
    site.cluster.submit(function("unfit", cost={"cpu": 9}, on_infeasible=5))
    site.pass_time(20)


def are_canceled_in_every_state(site: Site) -> None:
    run = everywhere(site)
    run.cancel()
    site.obey()
    site.housekeep()


def stand_on_a_node_that_is_drained(site: Site) -> None:
    site.node("a", cpu=3)
    site.cluster.submit(function("f"))
    site.submit(function("x"), function("y", node=Collocated("x")))
    site.cluster.drain("a")
    site.housekeep()


def wait_for_a_node_that_is_drained(site: Site) -> None:
    site.node("a", cpu=2)
    site.submit(function("x"), *(function(id, "x", node=Collocated("x")) for id in "yz"))
    site.take()
    site.cluster.tracker.request("a", {"cpu": 1})
    site.cluster.submit(function("f", priority=1))
    site.finish("x")
    site.cluster.drain("a")
    site.housekeep()


def wait_until_their_group_has_chosen(site: Site) -> None:
    site.node("a", cpu=4, gpu=1)
    site.cluster.tracker.request("a", {"cpu": 3})
    claim = site.cluster.tracker.request("a", {"gpu": 1})
    site.submit(
        function("chooses", cost={"gpu": 1}),
        *(function(id, node=Collocated("chooses")) for id in ("has room", "has none")),
        function("in vain", node=Collocated("chooses"), wait_ttl=5),
        function("late", node=Collocated("chooses"), delay=5),
        function("before", cost={"cpu": 1}),
        function("second", cost={"gpu": 1}),
        function("after", "before", node=Collocated("second")),
        function("long after", "before", cost={"cpu": 4}, delay=5),
        fail_fast=False,
    )
    site.take()
    site.finish("before")
    site.pass_time(20)
    site.cluster.tracker.release(claim)
    site.housekeep()


SCENES: tuple[Callable[[Site], None], ...] = (
    run_and_are_tried_again,
    are_started_where_no_process_can_be,
    wait_in_vain,
    are_canceled_in_every_state,
    stand_on_a_node_that_is_drained,
    wait_for_a_node_that_is_drained,
    wait_until_their_group_has_chosen,
)

BY_HAND = (
    (to_finished, "finished.requeue()"),
    (to_failed, "job.requeue()"),
    (to_canceled, "canceled.requeue()"),
    (to_finished, "job.cancel()"),
    (to_failed, "job.cancel()"),
)


@pytest.mark.slow
@ON_A_REAL_SERVER
@pytest.mark.parametrize("name", FLOWS)
def test_no_flow_makes_a_move_that_is_not_in_the_table(cluster: Cluster, name: str) -> None:
    cluster.store.now_ms = NOW_MS
    scene = Scene(cluster, FakeAgent(cluster.store, "a", {"cpu": 2, "gpu": 1}, incarnation="first").register(), {})

    with watching(cluster) as seen, contextlib.suppress(HandoffError, NameTaken, Stale):
        FLOWS[name].prepare(scene)
        FLOWS[name].act(scene)

    assert seen <= pairs(MOVES)


@ON_A_REAL_SERVER
def test_functions_make_every_move_of_the_table_and_no_others(connection: redis.Redis) -> None:
    seen: Pairs = set()
    for play in SCENES:
        with fresh(connection) as cluster, watching(cluster) as moves:
            play(Site(cluster))
        seen |= moves

    assert seen == pairs(MOVES)


@ON_A_REAL_SERVER
def test_rqs_tools_make_the_moves_that_the_table_has_of_them_and_no_others(
    connection: redis.Redis, server: RedisServer
) -> None:
    seen: Pairs = set()
    for bring, verb in BY_HAND:
        with fresh(connection) as cluster, redis.Redis.from_url(server.url) as theirs, watching(cluster) as moves:
            cluster.store.now_ms = NOW_MS
            handle = bring(cluster, FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=60_000).register())
            VERBS[verb](cluster, handle, theirs)
        seen |= moves

    assert seen - pairs(MOVES) == pairs(BY_RQ)


def test_the_words_of_the_api_are_those_of_the_table_in_the_order_of_a_life() -> None:
    assert STATES == ("deferred", "delayed", "waiting", "queued", "started", "finished", "failed", "canceled")
    assert ENDED == ("finished", "failed", "canceled")
    assert {"stopped", *ENDED} == TERMINAL


def test_no_move_stands_in_the_table_twice() -> None:
    assert len(pairs(MOVES + BY_RQ)) == len(MOVES + BY_RQ)
