"""What a node without an agent holds is compared with its queue, however long that is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from rq import Queue

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from handoff.serializer import Serializer

START_MS = 1_900_000_000_000

TICKS = 4

LONG = 1100
"""A queue of so many entries is not read whole for the sake of a few."""


@pytest.fixture(params=[0, LONG], ids=["a short queue", "a long queue"])
def queue(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Queue]:
    """Of the node `a`, in front of all others entries of a job that is gone."""
    cluster.store.now_ms = START_MS
    cluster.register_node("a", {"cpu": 4})
    queue = Queue(f"{cluster.namespace}.a", connection=cluster.connection, serializer=Serializer)
    if request.param:
        cluster.connection.rpush(queue.key, *(["gone"] * request.param))
    yield queue
    cluster.connection.lrem(queue.key, 0, "gone")


def submit(cluster: Cluster) -> Handle:
    return cluster.enqueue("tasks:work", cost={"cpu": 1})


def placement(cluster: Cluster, handle: Handle) -> bytes | None:
    return cast(bytes | None, cluster.connection.hget(cluster.store.keys("rq_job", handle.id), "h_placement"))


def test_what_was_taken_off_a_queue_stands_there_again(cluster: Cluster, queue: Queue) -> None:
    handles = [submit(cluster) for _ in range(3)]
    stays = placement(cluster, handles[0])
    cluster.connection.lrem(queue.key, 0, handles[1].id)

    for _ in range(TICKS):
        tick(cluster.store)

    assert queue.get_job_ids()[-3:] == [handles[0].id, handles[2].id, handles[1].id]
    assert placement(cluster, handles[0]) == stays
    assert cluster.tracker.available("a") == {"cpu": 1}


def test_the_room_of_what_rq_canceled_on_a_queue_comes_back(cluster: Cluster, queue: Queue) -> None:
    handles = [submit(cluster) for _ in range(3)]

    handles[1].job.cancel()
    for _ in range(TICKS):
        tick(cluster.store)

    assert cluster.tracker.available("a") == {"cpu": 2}
    assert [handle.status for handle in handles] == ["queued", "canceled", "queued"]


def test_the_room_of_what_was_deleted_goes_to_who_waits(cluster: Cluster, queue: Queue) -> None:
    handles = [submit(cluster) for _ in range(5)]
    assert handles[4].status == "waiting"

    cluster.connection.delete(cluster.store.keys("rq_job", handles[1].id))
    cluster.connection.lrem(queue.key, 0, handles[1].id)
    for _ in range(TICKS):
        tick(cluster.store)

    assert (handles[4].status, handles[4].node) == ("queued", "a")
