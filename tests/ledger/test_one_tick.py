"""What a single tick does for those that wait, and no more than it was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.words.function import Collocated
from support.agent import FakeAgent
from support.graphs import Site, function
from support.submits import submit

NOW_MS = 1_900_000_000_000

BOUND = 10_000


@pytest.fixture(autouse=True)
def _still(cluster: Cluster) -> None:
    cluster.store.now_ms = NOW_MS


def tick_once(cluster: Cluster, *, room: int = 0) -> list[str]:
    """-> the functions whose on_failure the caller is to run"""
    reply = cluster.store.run("tick", room=room, token="once")
    return [callback[0].decode() for callback in reply[2]]


def test_the_room_of_a_claim_whose_time_is_over_goes_to_who_waits(cluster: Cluster) -> None:
    FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    cluster.tracker.request("a", {"cpu": 1}, ttl=5)
    handle = submit(cluster, cost={"cpu": 1})
    assert handle.status == "waiting"

    cluster.store.now_ms += 5000
    tick_once(cluster)

    assert handle.status == "queued"


def test_whose_turn_it_is_not_is_handed_out_nothing_but_what_he_was_before(cluster: Cluster) -> None:
    lost(cluster, "x")
    lost(cluster, "y")
    first, again, other = (
        cluster.store.run("tick", room=room, token=token) for room, token in ((1, "once"), (-1, "once"), (-1, "other"))
    )

    assert [callback[0] for callback in first[2]] == [b"x"]
    assert (again[2], other) == (first[2], ["busy"])


def lost(cluster: Cluster, id: str) -> Handle:
    """A function with an on_failure, whose node went while it ran."""
    agent = FakeAgent(cluster.store, f"node-of-{id}", {"cpu": 1}).register()
    handle = cluster.enqueue("tasks:work", job_id=id, on_failure="tasks.told")
    agent.take()
    cluster.deregister_node(agent.name)
    return handle


def test_no_more_callbacks_are_handed_out_than_the_caller_can_run(cluster: Cluster) -> None:
    for id in ("x", "y", "z"):
        lost(cluster, id)

    assert tick_once(cluster, room=2) == ["x", "y"]


def test_a_group_that_a_tick_gave_a_node_is_placed_in_the_same_tick(cluster: Cluster) -> None:
    site = Site(cluster)
    agent = site.node("a", cpu=30)
    cluster.tracker.request("a", {"cpu": 30}, ttl=5)
    # More than one claim that ends places by itself: the group comes when what is left over is gone through.
    site.submit(*(function(f"before{i}") for i in range(20)))
    run = site.submit(function("x"), function("y", node=Collocated("x")))
    assert site.states(run) == {"x": "waiting", "y": "waiting"}

    site.store.now_ms += 5000
    agent.beat()
    tick_once(cluster)

    assert site.states(run) == {"x": "queued", "y": "queued"}


def test_the_stream_of_events_is_bounded(cluster: Cluster) -> None:
    stream = cluster.store.keys("events")
    pipeline: Any = cluster.connection.pipeline()
    for _ in range(2 * BOUND):
        pipeline.xadd(stream, {"event": "held"})
    pipeline.execute()

    submit(cluster)

    # Whole pages of the stream are dropped, of a hundred entries each.
    assert cluster.connection.xlen(stream) < BOUND + 200
