"""What a function has used is known when it has ended: of its last attempt, and of no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import UnreadableField
from handoff.ledger.texts.usage import FunctionUsage
from support.agent import FakeAgent, Result, died, failure, killed, ok
from support.told import brought_back, start, take

USED = "41,1200,2500"

START_MS = 1_900_000_000_000


@pytest.fixture
def agent(cluster: Cluster) -> FakeAgent:
    cluster.store.now_ms = START_MS
    return FakeAgent(cluster.store, "a", {"cpu": 2}, lease_ms=100_000).register()


def used(result: Result, usage: str = USED) -> Result:
    return replace(result, usage=usage)


@pytest.mark.parametrize("end", [ok, failure, died, killed])
def test_what_a_function_has_used_comes_with_its_end(cluster: Cluster, agent: FakeAgent, end: object) -> None:
    assert callable(end)
    handle, id = start(cluster, agent)

    agent.finish(used(end(id)))

    assert handle.usage == FunctionUsage(memory=41, cpu_s=0.0012, duration=0.0025)


def test_what_nobody_knows_is_none(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)

    agent.finish(used(ok(id), ",,2500"))

    assert handle.usage == FunctionUsage(memory=None, cpu_s=None, duration=0.0025)


def test_of_what_never_ran_nothing_is_known(cluster: Cluster, agent: FakeAgent) -> None:
    handle = cluster.enqueue("tasks:work")
    before = handle.usage
    handle.cancel()

    assert (before, handle.usage) == (None, None)


def test_of_what_is_tried_again_nothing_is_told_before_its_end(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, max_retries=1)

    agent.finish(used(failure(id), "900,,"))
    delayed = handle.usage
    id = brought_back(cluster, agent)
    started = handle.usage
    agent.finish(used(ok(id)))

    assert (delayed, started) == (None, None)
    assert handle.usage == FunctionUsage(41, 0.0012, 0.0025)


def test_of_an_attempt_that_is_lost_nothing_is_known(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent, max_retries=1)
    agent.finish(used(failure(id)))
    brought_back(cluster, agent)

    cluster.deregister_node("a")

    assert (handle.status, handle.usage) == ("failed", None)


def test_of_what_is_canceled_while_it_runs_it_is_known(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    handle.cancel()

    agent.finish(used(killed(id)))

    assert (handle.status, handle.usage) == ("canceled", FunctionUsage(41, 0.0012, 0.0025))


def test_of_what_is_retried_by_hand_nothing_is_left(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    agent.finish(used(failure(id)))

    handle.retry()
    agent.finish(ok(take(agent)))

    assert handle.usage is None


def test_what_somebody_has_written_over_it_is_named(cluster: Cluster, agent: FakeAgent) -> None:
    handle, id = start(cluster, agent)
    agent.finish(used(ok(id)))
    cluster.connection.hset(cluster.store.keys("rq_job", handle.id), "h_usage", "much")

    with pytest.raises(UnreadableField, match="'much' as h_usage"):
        _ = handle.usage
