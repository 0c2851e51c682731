"""A function in each state that RQ's tools may meet, and what becomes of it afterwards.

All leave room for nothing else on the node, and a function that waits for that room.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.errors import UnknownFunction
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent, failure, killed, ok
from support.passing import pass_ms
from support.submits import NOW_MS

NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)


def submit(cluster: Cluster, id: str, **options: Any) -> Handle:
    return cluster.enqueue("tasks:work", 1, b="2", cost={"cpu": 2}, job_id=f"{cluster.namespace}-{id}", **options)


def to_waiting(cluster: Cluster, agent: FakeAgent) -> Handle:
    submit(cluster, "before")
    return submit(cluster, "f")


def to_delayed(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster, "f", max_retries=1)
    agent.finish(*(failure(started.id) for started in agent.take()))
    return handle


def to_queued(cluster: Cluster, agent: FakeAgent) -> Handle:
    return submit(cluster, "f")


def to_started(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster, "f")
    agent.take()
    return handle


def to_finished(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = to_started(cluster, agent)
    agent.finish(*(ok(id, [1]) for id in agent.runs))
    return handle


def to_failed(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = to_started(cluster, agent)
    agent.finish(*(failure(id) for id in agent.runs))
    return handle


def to_canceled(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = submit(cluster, "f")
    handle.cancel()
    return handle


def to_stopped(cluster: Cluster, agent: FakeAgent) -> Handle:
    handle = to_started(cluster, agent)
    agent.finish(*(killed(id) for id in agent.runs))
    return handle


STATES: dict[str, Callable[[Cluster, FakeAgent], Handle]] = {
    "waiting": to_waiting,
    "delayed": to_delayed,
    "queued": to_queued,
    "started": to_started,
    "finished": to_finished,
    "failed": to_failed,
    "canceled": to_canceled,
}


SWEPT = 32
"""So many queues one tick looks at, or more."""


def play_out(cluster: Cluster, agent: FakeAgent) -> None:
    """Let the agent beat, end what it is told to stop and finish the rest, until a minute has passed.

    And longer where other tests have left many queues, for ticks look at some of the whole server's at a time.
    """
    left = int(cluster.store.read("SCARD", cluster.store.keys("rq_queues")))
    for _ in range(20 + left // SWEPT):
        stops = agent.beat()
        agent.finish(*(killed(id) if id in stops else ok(id) for id in agent.runs), room=9)
        pass_ms(cluster.store, 3000)
        tick(cluster.store)


def ended(cluster: Cluster, handle: Handle) -> str:
    try:
        return handle.status
    except UnknownFunction:
        return "gone"
