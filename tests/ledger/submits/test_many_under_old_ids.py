"""Submitted together, under ids that have waited before: who comes again stands behind those that waited meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from rq.job import Job

from handoff.client.cluster import Cluster
from handoff.serializer import Serializer
from handoff.words.function import Function
from support.agent import FakeAgent, ok

COST = {"cpu": 1}


def end_by_rq(cluster: Cluster, id: str, how: str) -> None:
    job: Any = Job.fetch(id, connection=cluster.connection, serializer=Serializer)
    getattr(job, how)()


def started_one_by_one(agent: FakeAgent) -> list[str]:
    seen: list[str] = []
    while started := agent.take():
        seen += [each.job_id for each in started]
        agent.finish(ok(started[0].id))
    return seen


@pytest.mark.parametrize("how", ["delete", "cancel"])
@pytest.mark.parametrize("count", [1, 2])
def test_the_first_of_a_line_that_comes_again_lets_the_second_go_first(cluster: Cluster, how: str, count: int) -> None:
    agent = FakeAgent(cluster.store, "a", COST).register()
    for id in ("runs", "again", "second"):
        cluster.enqueue("tasks:work", job_id=id, cost=COST)
    end_by_rq(cluster, "again", how)

    handles = cluster.submit_many(
        [Function(id, "tasks:work", cost=COST) for id in ("again", "last")[:count]],
        job_ids=["again", "last"][:count],
        replace=True,
    )

    assert [handle.verdict.state for handle in handles if handle.verdict] == ["waiting"] * count
    assert started_one_by_one(agent) == ["runs", "second", "again", "last"][: 2 + count]


def test_one_that_comes_twice_in_a_list_is_refused_the_second_time_though_it_waits(cluster: Cluster) -> None:
    cluster.enqueue("tasks:work", job_id="runs", cost=COST)
    store = cluster.store
    kind = (8, "cpu=10000,slots=10000", "", 0, "", 0, 0, 0, 0)

    tag, replies = store.run("submit_many", 1, *kind, *(1, "f") * 2, token="t", replace=0)
    other = store.run("submit_many", 1, *kind, 1, "f", token="u", replace=0)

    assert (tag, len(replies[0]), replies[1:]) == ("submitted", 2, [2])
    assert other[1] == [[b"duplicate"], 1]
    assert cluster.connection.zcard(store.keys("waiting")) == 2
