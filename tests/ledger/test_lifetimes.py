"""How long a function that has ended is kept, and that its entry in RQ's registry goes with it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from rq import Queue
from rq.registry import FinishedJobRegistry

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from handoff.ledger.keys import prefix
from handoff.serializer import Serializer
from support.agent import FakeAgent, failure, ok
from support.passing import pass_ms

START_MS = 1_900_000_000_000
YEAR_S = 365 * 24 * 3600


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=10**7).register()


def by_rq(cluster: Cluster, **fields: int) -> str:
    """A job that rq put onto the node's queue; `fields` of its hash are written over."""
    queue = Queue(f"{cluster.namespace}.a", connection=cluster.connection, serializer=Serializer)
    job = queue.enqueue("tasks.work", job_id=f"{cluster.namespace}-rq")
    key = cluster.store.keys("rq_job", job.id)
    for name in ("result_ttl", "failure_ttl"):
        cluster.connection.hdel(key, name)
    if fields:
        cluster.connection.hset(key, mapping={name: str(value) for name, value in fields.items()})
    return str(job.id)


def lifetimes(cluster: Cluster, id: str) -> list[int]:
    """Of the job and of its results, in seconds."""
    keys = cluster.store.keys
    return [int(cluster.connection.ttl(keys(kind, id))) for kind in ("rq_job", "rq_results")]


def test_a_job_that_names_no_time_is_kept_as_rq_keeps_results(cluster: Cluster, agent: FakeAgent) -> None:
    id = by_rq(cluster)

    agent.finish(*(ok(started.id) for started in agent.take()))

    assert all(0 < left_s <= 500 for left_s in lifetimes(cluster, id))


def test_a_job_that_names_no_time_is_kept_as_rq_keeps_failures(cluster: Cluster, agent: FakeAgent) -> None:
    id = by_rq(cluster)

    agent.finish(*(failure(started.id) for started in agent.take()))

    assert all(500 < left_s <= YEAR_S for left_s in lifetimes(cluster, id))


@pytest.mark.parametrize("ttl", [-1, 10**11, 2**62])
def test_a_job_that_names_more_than_redis_takes_is_kept_for_ever(cluster: Cluster, agent: FakeAgent, ttl: int) -> None:
    id = by_rq(cluster, result_ttl=ttl)

    agent.finish(*(ok(started.id) for started in agent.take()))

    assert lifetimes(cluster, id) == [-1, -1]
    registry = cluster.store.keys("rq_finished", f"{cluster.namespace}.a")
    assert cluster.connection.zscore(registry, id) == float("inf")


def test_each_entry_of_a_registry_goes_when_its_own_time_is_over(cluster: Cluster, agent: FakeAgent) -> None:
    handles = [cluster.enqueue("tasks:work", result_ttl=ttl) for ttl in (10, 100)]
    registry = cluster.store.keys("rq_finished", f"{cluster.namespace}.a")
    for _ in handles:
        agent.finish(*(ok(started.id) for started in agent.take()))

    left = []
    for seconds in (9, 3, 90):
        pass_ms(cluster.store, seconds * 1000)
        tick(cluster.store)
        left.append(cluster.connection.zcard(registry))

    assert left == [2, 1, 0]


def test_an_entry_that_is_kept_for_ever_stays_when_others_go(cluster: Cluster, agent: FakeAgent) -> None:
    handles = [cluster.enqueue("tasks:work", result_ttl=ttl) for ttl in (-1, 10)]
    for _ in handles:
        agent.finish(*(ok(started.id) for started in agent.take()))

    pass_ms(cluster.store, 12_000)
    tick(cluster.store)

    queue = Queue(f"{cluster.namespace}.a", connection=cluster.connection, serializer=Serializer)
    assert FinishedJobRegistry(queue=queue).get_job_ids(cleanup=False) == [handles[0].id]


def test_the_word_of_a_function_that_is_not_kept_is_kept_for_ten_minutes(cluster: Cluster, agent: FakeAgent) -> None:
    handle = cluster.enqueue("tasks:work", result_ttl=0)

    agent.finish(*(ok(started.id) for started in agent.take()))

    assert 0 < cluster.connection.pttl(f"{prefix(cluster.namespace)}gone:{handle.id}") <= 600_000


def test_a_function_that_never_ran_names_no_worker_in_its_result(cluster: Cluster, agent: FakeAgent) -> None:
    waits = cluster.enqueue("tasks:work", cost={"cpu": 3})

    waits.cancel()

    [entry] = cast(list[Any], cluster.connection.xrange(cluster.store.keys("rq_results", waits.id)))
    assert entry[1][b"worker_name"] == b""


def test_a_function_that_is_not_kept_is_kept_until_somebody_runs_its_on_failure(
    cluster: Cluster, agent: FakeAgent
) -> None:
    handle = cluster.enqueue("tasks:work", failure_ttl=0, on_failure="tasks.told")
    agent.take()
    pass_ms(cluster.store, agent.lease_ms)

    _, _, [[id, fields, *_]], *_ = cluster.store.run("tick", room=1, token="t")

    assert id.decode() == handle.id
    assert any(b"tasks.told" in part for part in fields)
    assert all(0 < left_s <= 60 for left_s in lifetimes(cluster, handle.id))
