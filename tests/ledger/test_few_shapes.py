"""Where some shapes wait, those that room has grown for are tried one by one, by rank; there is no index of them."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from support.agent import FakeAgent, ok

FEW = 32


def test_of_ten_shapes_those_start_whose_rank_is_best(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 10, "memory": 100}).register()
    cluster.enqueue("tasks:work", cost={"cpu": 10})
    [running] = agent.take()
    handles = [
        cluster.enqueue("tasks:work", cost={"cpu": 2.5, "memory": 10 + number}, priority=number * 7 % 10)
        for number in range(10)
    ]

    agent.finish(ok(running.id), room=10)

    started = [handle.id for handle in handles if handle.status == "started"]
    assert started == [handles[number].id for number in (1, 4, 7, 8)]


def test_of_one_shape_more_than_one_starts_before_the_next_shape_has_its_turn(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 3}).register()
    cluster.enqueue("tasks:work", cost={"cpu": 3})
    [running] = agent.take()
    first, second = [cluster.enqueue("tasks:work", cost={"cpu": 1}) for _ in range(2)]
    behind = cluster.enqueue("tasks:work", cost={"cpu": 2})

    agent.finish(ok(running.id), room=10)

    assert [first.status, second.status, behind.status] == ["started", "started", "waiting"]


def test_one_shape_more_than_are_tried_one_by_one_has_an_index_built(cluster: Cluster) -> None:
    index = cluster.store.keys("shape_bits")
    for amount in range(1, FEW + 1):
        cluster.enqueue("tasks:work", cost={"fpga": amount})
    assert not cluster.connection.exists(index)

    cluster.enqueue("tasks:work", cost={"fpga": FEW + 1})

    assert cluster.connection.exists(index)
