"""Functions on their way from submit to their end, each brought to where a test wants it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from handoff.ledger.verdict import Verdict
from handoff.words.function import Function
from support.agent import FakeAgent, Result, failure, ok
from support.passing import pass_ms

NOW_MS = 1_900_000_000_000


def submit(cluster: Cluster, id: str = "f", **fields: Any) -> Handle:
    return cluster.submit(Function(id, "tasks:work", **fields))


def verdict_of(cluster: Cluster, **fields: Any) -> Verdict:
    verdict = submit(cluster, **fields).verdict
    assert verdict is not None
    return verdict


def later(cluster: Cluster, seconds: float) -> None:
    """Let the clock move and the housekeeping be done."""
    pass_ms(cluster.store, round(seconds * 1000))
    tick(cluster.store)


def run(agent: FakeAgent, make: Callable[[str], Result] = ok) -> list[str]:
    """Take the next function and end it. -> what became of the result"""
    [started] = agent.take()
    return agent.finish(make(started.id))


def names(started: Sequence[Any]) -> list[str]:
    return [each.job["h_function"].decode() for each in started]


def to_waiting(cluster: Cluster, agent: FakeAgent) -> Handle:
    submit(cluster, cost={"cpu": 2})
    return submit(cluster, cost={"cpu": 2})


def to_delayed(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster, max_retries=1)
    run(agent, failure)
    return handle


def to_queued(cluster: Cluster, agent: FakeAgent) -> Handle:
    return submit(cluster, cost={"cpu": 2})


def to_started(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster, cost={"cpu": 2})
    agent.take()
    return handle


def to_finished(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster)
    run(agent)
    return handle


def to_failed(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster)
    run(agent, failure)
    return handle
