"""Redis was rolled back: what agents remember ends as it did, and is not run again."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent, Result, failure, ok, unstarted
from support.passing import pass_ms
from support.roll_back import snapshot


@pytest.fixture
def agents(cluster: Cluster) -> list[FakeAgent]:
    cluster.store.now_ms = 1_800_000_000_000
    return [FakeAgent(cluster.store, name, {"cpu": 1}).register() for name in "ab"]


@pytest.mark.parametrize("stood", ["queued", "started"])
@pytest.mark.parametrize("how", ["finished", "failed"])
def test_what_has_ended_ends_as_it_did(cluster: Cluster, agents: list[FakeAgent], stood: str, how: str) -> None:
    agent = agents[0]
    handle = cluster.enqueue("module:f", cost={"cpu": 1}, node="a")
    if stood == "queued":
        bring_back = snapshot(cluster)
        (started,) = agent.take()
    else:
        (started,) = agent.take()
        bring_back = snapshot(cluster)
    result = ok(started.id, 7) if how == "finished" else failure(started.id)
    agent.finish(result)
    bring_back()

    assert agent.recall(started, result) == 1

    assert (handle.status, handle.attempts) == (how, 1)
    assert cluster.resources_available("a", {"cpu": 1})
    if how == "finished":
        assert handle.result(0) == 7
    assert agent.recall(started, result) == 0


@pytest.mark.parametrize("stood", ["queued", "started"])
def test_what_could_not_be_started_has_used_no_attempt(cluster: Cluster, agents: list[FakeAgent], stood: str) -> None:
    first, second = agents
    handle = cluster.enqueue("module:f", cost={"cpu": 1})
    bring_back = snapshot(cluster)
    (started,) = first.take()
    if stood == "started":
        bring_back = snapshot(cluster)
    bring_back()

    for _ in range(2):
        first.recall(started, unstarted(started.id))

    assert (handle.status, handle.node, handle.attempts) == ("queued", "b", 0)
    assert cluster.resources_available("a", {"cpu": 1})
    (again,) = second.take()
    assert first.recall(started, unstarted(started.id)) == 0
    second.finish(ok(again.id, 7))
    assert (handle.result(0), handle.attempts) == (7, 1)


@pytest.mark.parametrize("elsewhere", ["waiting", "queued"])
def test_what_has_ended_is_taken_off_wherever_it_stands(
    cluster: Cluster, agents: list[FakeAgent], elsewhere: str
) -> None:
    first, second = agents
    claims = [cluster.tracker.request(name, {"cpu": 1}) for name in "ab"]
    handle = cluster.enqueue("module:f", cost={"cpu": 1})
    bring_back = snapshot(cluster)
    cluster.tracker.release(claims[0])
    (started,) = first.take()
    first.finish(ok(started.id, 7))
    bring_back()
    if elsewhere == "queued":
        cluster.tracker.release(claims[1])
        assert handle.node == "b"

    assert first.recall(started, ok(started.id, 7)) == 1

    assert (handle.result(0), handle.node) == (7, "a")
    assert second.take() == []


@pytest.mark.parametrize("how", ["failed", "running"])
def test_what_waits_by_the_books_has_had_its_attempt_where_it_was(
    cluster: Cluster, agents: list[FakeAgent], how: str
) -> None:
    first, second = agents
    claims = [cluster.tracker.request(name, {"cpu": 1}) for name in "ab"]
    handle = cluster.enqueue("module:f", cost={"cpu": 1}, max_retries=1)
    bring_back = snapshot(cluster)
    cluster.tracker.release(claims[0])
    (started,) = first.take()
    bring_back()

    first.recall(started, failure(started.id) if how == "failed" else Result(started.id, "running"))

    assert (handle.status, handle.attempts) == ("delayed", 1)
    for claim in claims:
        cluster.tracker.release(claim)
    pass_ms(cluster.store, 2_000)
    tick(cluster.store)
    assert (handle.status, handle.node) == ("queued", "b")
    (again,) = second.take()
    second.finish(ok(again.id, 7))
    assert handle.result(0) == 7


def test_an_attempt_that_failed_is_tried_again_as_often_as_it_may(cluster: Cluster, agents: list[FakeAgent]) -> None:
    handle = cluster.enqueue("module:f", node="a", max_retries=1)
    bring_back = snapshot(cluster)
    (started,) = agents[0].take()
    agents[0].finish(failure(started.id))
    bring_back()

    agents[0].recall(started, failure(started.id))

    assert (handle.status, handle.attempts) == ("delayed", 1)


def test_what_runs_and_is_to_start_elsewhere_has_lost_its_attempt(cluster: Cluster, agents: list[FakeAgent]) -> None:
    claims = [cluster.tracker.request(name, {"cpu": 1}) for name in "ab"]
    handle = cluster.enqueue("module:f", cost={"cpu": 1})
    bring_back = snapshot(cluster)
    cluster.tracker.release(claims[0])
    (started,) = agents[0].take()
    bring_back()
    cluster.tracker.release(claims[1])

    assert agents[0].recall(started, Result(started.id, "running")) == 1

    assert agents[1].take() == []
    assert (handle.status, handle.attempts) == ("failed", 1)


def test_a_job_that_was_submitted_anew_under_the_same_id_is_another(cluster: Cluster, agents: list[FakeAgent]) -> None:
    agent = agents[0]
    first = cluster.enqueue("module:f", node="a")
    (started,) = agent.take()
    agent.finish(ok(started.id))
    first.job.delete()
    again = cluster.enqueue("module:f", node="a", job_id=first.id)

    assert agent.recall(started, ok(started.id)) == 0

    assert again.status == "queued"


def test_an_end_that_is_known_is_not_told_twice(cluster: Cluster, agents: list[FakeAgent]) -> None:
    agent = agents[0]
    handle = cluster.enqueue("module:f", node="a", max_retries=3)
    (started,) = agent.take()
    agent.finish(failure(started.id))

    assert agent.recall(started, failure(started.id)) == 0

    pass_ms(cluster.store, 1_500)
    cluster.store.run("tick", room=0, token="t")
    assert handle.status == "queued"


def test_what_runs_and_stands_on_its_nodes_queue_once_more_goes_on(cluster: Cluster, agents: list[FakeAgent]) -> None:
    agent = agents[0]
    handle = cluster.enqueue("module:f", node="a", cost={"cpu": 1})
    bring_back = snapshot(cluster)
    (started,) = agent.take()
    bring_back()

    assert agent.recall(started, Result(started.id, "running")) == 0
    assert agent.beat() == []

    agent.finish(room=1)
    assert agent.finish(ok(started.id)) == ["stored"]
    assert (handle.status, handle.attempts) == ("finished", 1)
