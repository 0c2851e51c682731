"""Stories of the ledger, told in a database of one's own by a clock that stands still."""

from __future__ import annotations

from typing import Any

from handoff.client.cluster import Cluster
from handoff.ledger import housekeeping
from handoff.ledger.records import look
from support import passing
from support.agent import FakeAgent

START_MS = 1_800_000_000_000

LEASE_MS = 5000


def pass_ms(cluster: Cluster, ms: int) -> None:
    passing.pass_ms(cluster.store, ms)


def agent(cluster: Cluster, name: str, **capabilities: Any) -> FakeAgent:
    return FakeAgent(cluster.store, name, {"slots": 4, **capabilities}, lease_ms=LEASE_MS).register()


def submit(cluster: Cluster, id: str, *, node: str | None = None, priority: int = 0, **cost: float) -> str:
    """-> where it was placed, else the state of the verdict."""
    verdict = cluster.enqueue("module:f", job_id=id, node=node, priority=priority, cost=cost).verdict
    assert verdict is not None
    return verdict.node or verdict.state


def where(cluster: Cluster, *ids: str) -> list[str]:
    """The node of each that is placed, the status of the others."""
    records = [look(cluster.store, id) for id in ids]
    return [record.node if record.status == "queued" and record.node else record.status for record in records]


def tick(cluster: Cluster, times: int = 1) -> None:
    for _ in range(times):
        housekeeping.tick(cluster.store)


def placed_on(*nodes: str) -> list[bytes]:
    """What `allocate` answers where each entry costs one cpu."""
    return [value for node in nodes for value in (node.encode(), b"", b"cpu=10000")]


def register_in_one_call(cluster: Cluster, name: str, units: str) -> None:
    """With work left over, if that is more than one call does."""
    cluster.store.run("register_node", name=name, units=units, devices="", labels="")
