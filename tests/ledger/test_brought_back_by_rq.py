"""A function that rq's tools put onto a queue again is one function still, with all that it needs and no more."""

from __future__ import annotations

import pytest
from rq import Queue
from rq.job import Job, JobStatus
from rq.registry import CanceledJobRegistry

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from handoff.serializer import Serializer
from handoff.words.function import Collocated
from support.agent import FakeAgent, failure, killed, ok
from support.graphs import Site, function

START_MS = 1_900_000_000_000


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}).register()


def queue(cluster: Cluster, node: str = "") -> Queue:
    name = f"{cluster.namespace}.{node}" if node else cluster.namespace
    return Queue(name, connection=cluster.connection, serializer=Serializer)


def submit(cluster: Cluster) -> Handle:
    return cluster.enqueue("tasks:work", cost={"cpu": 1})


def fail(agent: FakeAgent) -> None:
    agent.finish(*(failure(started.id) for started in agent.take()))


@pytest.mark.parametrize("node", ["", "a", "never-was"])
def test_what_stands_on_a_second_queue_by_mistake_runs_once(cluster: Cluster, agent: FakeAgent, node: str) -> None:
    handle = submit(cluster)
    cluster.connection.rpush(queue(cluster, node).key, handle.id)
    if node:
        cluster.connection.sadd(Queue.redis_queues_keys, queue(cluster, node).key)

    tick(cluster.store)
    [started] = agent.take(2)
    tick(cluster.store)

    assert agent.take(2) == []
    assert cluster.tracker.available("a") == {"cpu": 1}
    assert agent.finish(ok(started.id, 1)) == ["stored"]
    assert handle.result(timeout=0) == 1


def test_what_runs_and_stands_on_a_queue_by_mistake_is_not_started_again(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    [started] = agent.take()
    cluster.connection.rpush(queue(cluster, "a").key, handle.id)

    assert agent.take(2) == []

    assert handle.attempts == 1
    assert agent.finish(ok(started.id)) == ["stored"]


def test_a_queue_that_rq_deleted_is_listed_again_when_it_has_work(cluster: Cluster, agent: FakeAgent) -> None:
    queue(cluster, "a").delete()
    assert queue(cluster, "a") not in Queue.all(connection=cluster.connection)

    submit(cluster)

    assert queue(cluster, "a") in Queue.all(connection=cluster.connection)


def test_a_lobby_that_rq_deleted_is_listed_again_when_something_waits(cluster: Cluster, agent: FakeAgent) -> None:
    queue(cluster).delete()

    cluster.enqueue("tasks:work", cost={"cpu": 3})

    assert queue(cluster) in Queue.all(connection=cluster.connection)


def test_the_results_of_a_function_are_kept_until_it_ends_again(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    fail(agent)
    results = cluster.store.keys("rq_results", handle.id)
    assert cluster.connection.ttl(results) > 0

    handle.job.requeue()
    agent.take()

    assert cluster.connection.ttl(results) == -1


def test_of_a_function_that_ends_ever_again_the_last_results_are_kept(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    fail(agent)
    for _ in range(14):
        handle.job.requeue()
        fail(agent)

    assert len(Job.fetch(handle.id, cluster.connection, Serializer).results()) == 10


@pytest.mark.parametrize("place", [None, Collocated("y")], ids=["alone", "collocated"])
def test_after_the_end_of_its_run_a_function_needs_none_of_its_tokens(
    cluster: Cluster, place: Collocated | None
) -> None:
    site = Site(cluster)
    site.node("a", cpu=2)
    run = site.submit(function("x", node=place), function("y"), max_concurrency=2, fail_fast=False, max_retries=0)
    site.take()
    site.fail("x")
    site.finish("y")
    assert run.status == "failed"

    run.handle("x").job.requeue()
    site.touched.add(run.handle("x").id)
    site.take()
    site.finish("x", value=1)

    assert site.states(run)["x"] == "finished"
    assert run.handle("x").result(timeout=0) == 1


def test_a_limit_of_waiting_that_ended_with_a_cancel_does_not_count_when_it_is_brought_back(
    cluster: Cluster, agent: FakeAgent
) -> None:
    cluster.tracker.request("a", {"cpu": 2})
    handle = cluster.enqueue("tasks:work", cost={"cpu": 1}, wait_ttl=10)
    handle.cancel()

    CanceledJobRegistry(queue=queue(cluster)).requeue(handle.id)
    tick(cluster.store)
    assert handle.status == "waiting"
    cluster.store.now_ms += 10_000
    tick(cluster.store)

    assert handle.status == "waiting"


def test_a_job_that_rq_put_onto_a_queue_takes_one_slot(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"slots": 2}).register()
    for _ in range(3):
        queue(cluster, "a").enqueue("tasks.work")

    assert len(agent.take(3)) == 2


def test_the_room_of_what_rq_canceled_on_a_queue_is_free_when_it_is_taken(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    handle.job.set_status(JobStatus.CANCELED)

    assert agent.take() == []

    assert cluster.tracker.available("a") == {"cpu": 2}


def test_what_runs_and_is_enqueued_by_rq_runs_anew_and_no_longer_as_it_was(cluster: Cluster, agent: FakeAgent) -> None:
    handle = submit(cluster)
    [old] = agent.take()
    queue(cluster, "a").enqueue_job(handle.job)

    [new] = agent.take(2)

    assert agent.beat() == [old.id]
    assert agent.finish(killed(old.id), ok(new.id)) == ["canceled", "stored"]
