"""What is asked of a function whose stored job somebody has altered is answered, or refused in an error of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import UnreadableField
from support.agent import FakeAgent, failure, ok
from support.odd_jobs import BENT, FIELDS_OF_JOBS, bend, look_at


@pytest.fixture(autouse=True)
def _empty(connection: redis.Redis) -> Iterator[None]:
    yield
    # An odd `origin` leaves keys of RQ's that no test would read.
    connection.flushdb()


def waiting(cluster: Cluster) -> Handle:
    return cluster.enqueue("tasks:work", cost={"cpu": 9})


def delayed(cluster: Cluster) -> Handle:
    return cluster.enqueue("tasks:work", delay=60)


def queued(cluster: Cluster) -> Handle:
    return cluster.enqueue("tasks:work", cost={"gpu": 1})


def started(cluster: Cluster) -> Handle:
    handle = queued(cluster)
    agent_of(cluster).take()
    return handle


def finished(cluster: Cluster) -> Handle:
    handle = queued(cluster)
    agent = agent_of(cluster)
    agent.finish(ok(agent.take()[0].id, 1))
    return handle


def failed(cluster: Cluster) -> Handle:
    handle = queued(cluster)
    agent = agent_of(cluster)
    agent.finish(failure(agent.take()[0].id))
    return handle


def expired(cluster: Cluster) -> Handle:
    handle = cluster.enqueue("tasks:work", cost={"cpu": 9}, on_infeasible=1)
    cluster.store.now_ms += 600_000
    cluster.store.run("tick", room=0, token="t")
    return handle


AGENTS: dict[str, FakeAgent] = {}


def agent_of(cluster: Cluster) -> FakeAgent:
    return AGENTS[cluster.namespace]


@pytest.mark.parametrize(
    ("connection", "name"), [("fake", "x"), *(("real", name) for name in BENT)], indirect=["connection"]
)
@pytest.mark.parametrize("scene", [waiting, delayed, queued, started, finished, failed, expired])
def test_every_question_about_an_altered_job_is_answered_or_refused_by_name(
    connection: redis.Redis, scene: Callable[[Cluster], Handle], name: str
) -> None:
    with Cluster(connection=connection, namespace="odd") as cluster:
        cluster.store.now_ms = 1_900_000_000_000
        AGENTS["odd"] = FakeAgent(cluster.store, "a", {"cpu": 4, "gpu": 2}).register()
        handle = scene(cluster)
        sound: Any = connection.hgetall(cluster.store.keys("rq_job", handle.id))
        for field in FIELDS_OF_JOBS:
            bend(cluster, handle.id, field, BENT[name])

            look_at(cluster, handle)

            connection.delete(cluster.store.keys("rq_job", handle.id))
            connection.hset(cluster.store.keys("rq_job", handle.id), mapping=sound)


@pytest.mark.parametrize(
    ("field", "ask"), [("h_attempts", "attempts"), ("h_devices", "devices"), ("h_state", "status")]
)
def test_the_error_names_the_field_and_what_it_has(cluster: Cluster, field: str, ask: str) -> None:
    handle = cluster.enqueue("tasks:work")
    if ask == "devices":
        cluster.register_node("a", {"cpu": 1})
    bend(cluster, handle.id, field, b"gpu:x=1")

    with pytest.raises(UnreadableField, match=f"the stored job has 'gpu:x=1' as {field}, which should be") as caught:
        getattr(handle, ask)

    assert caught.value.field == field
    bend(cluster, handle.id, field, b"" if ask == "status" else None)


def test_a_result_is_there_whatever_has_become_of_what_it_does_not_need(cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"gpu": 1}).register()
    handle = cluster.enqueue("tasks:work", cost={"gpu": 1})
    agent.finish(ok(agent.take()[0].id, 7))
    for field in ("h_devices", "h_attempts", "h_demand", "h_variant", "h_error", "h_placement", "created_at"):
        bend(cluster, handle.id, field, b"x:y=z")

    assert handle.result(1) == 7
    assert handle.status == "finished"


def test_what_has_no_state_of_its_own_waits(cluster: Cluster) -> None:
    handle = cluster.enqueue("tasks:work", cost={"cpu": 9})
    bend(cluster, handle.id, "h_state", None)

    assert handle.status == "waiting"
    assert "deferred" in handle.explain().text
    handle.cancel()
