"""Functions that run, to tell something of."""

from __future__ import annotations

from typing import Any

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent, failure
from support.passing import pass_ms


def start(cluster: Cluster, agent: FakeAgent, **options: Any) -> tuple[Handle, str]:
    """-> one that runs, and its reservation"""
    handle = cluster.enqueue("tasks:work", **options)
    return handle, take(agent)


def take(agent: FakeAgent) -> str:
    """-> the reservation of what stands on its queue"""
    (started,) = agent.take()
    return started.id


def retry(cluster: Cluster, agent: FakeAgent, id: str) -> str:
    """Have one fail, and tried again. -> its next reservation"""
    agent.finish(failure(id))
    return brought_back(cluster, agent)


def brought_back(cluster: Cluster, agent: FakeAgent) -> str:
    """Have the time pass until one is tried again. -> its next reservation"""
    pass_ms(cluster.store, 70_000)
    agent.register()
    tick(cluster.store)
    return take(agent)
