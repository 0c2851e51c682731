"""Inside a test the default cluster is the test's own."""

from __future__ import annotations

import asyncio

import fakeredis
import pytest

import handoff
import handoff.aio
import unit_tasks
from handoff.client.default import default_cluster
from handoff.testing import ClusterHere, NothingRuns, cluster


def test_shortcuts_use_the_fixtures_cluster(handoff_cluster: ClusterHere) -> None:
    assert handoff.enqueue(unit_tasks.add, 1, 2).result() == 3
    assert default_cluster() is handoff_cluster


def test_what_was_the_default_before_is_so_again_afterwards(handoff_cluster: ClusterHere) -> None:
    with cluster() as inner:
        assert default_cluster() is inner

    assert default_cluster() is handoff_cluster


def test_it_is_so_after_an_error_too(handoff_cluster: ClusterHere) -> None:
    with pytest.raises(KeyError), cluster():
        raise KeyError

    assert default_cluster() is handoff_cluster


def test_a_fakeredis_that_is_given_is_used() -> None:
    given = fakeredis.FakeRedis()

    with cluster(connection=given) as made:
        id = made.enqueue(unit_tasks.add, 1, 2).id
        assert given.exists(f"rq:job:{id}")


def test_clusters_that_are_made_without_an_address_reach_the_test_and_have_functions_run(
    handoff_cluster: ClusterHere, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody listens there.
    monkeypatch.setenv("HANDOFF_REDIS_URL", "redis://127.0.0.1:1/0")

    async def in_a_loop() -> object:
        async with handoff.aio.Cluster(timeout=2) as cluster:
            return await (await cluster.enqueue(unit_tasks.add, 3, 4)).result()

    with handoff.Cluster(timeout=2, default_cost={"cpu": 1}) as cluster:
        assert cluster.enqueue(unit_tasks.add, 1, 2).result() == 3
    assert asyncio.run(in_a_loop()) == 7
    handoff_cluster.advance(5)
    assert handoff.connect().enqueue(unit_tasks.add, 5, 6).result() == 11

    assert [each.args for each in handoff_cluster.submitted] == [(1, 2), (3, 4), (5, 6)]


def test_a_cluster_in_another_namespace_finds_no_nodes_there(handoff_cluster: ClusterHere) -> None:
    handle = handoff.Cluster(namespace="other").enqueue(unit_tasks.add, 1, 2)

    with pytest.raises(NothingRuns):
        handle.result()
    assert handoff_cluster.submitted == []


def test_an_address_that_is_given_is_reached(handoff_cluster: ClusterHere) -> None:
    with handoff.Cluster("redis://127.0.0.1:1/0", timeout=0.1) as cluster, pytest.raises(handoff.StoreUnavailable):
        cluster.enqueue(unit_tasks.add, 1, 2)


def test_two_clusters_share_nothing() -> None:
    with cluster() as one, cluster() as other:
        one.enqueue(unit_tasks.add, 1, 2)

        assert (len(one.submitted), other.submitted) == (1, [])
