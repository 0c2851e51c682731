"""The ledger's half of an agent that does nothing by itself."""

from __future__ import annotations

from typing import Literal

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.ledger.result_entry import encode_traceback
from handoff.ledger.texts.holder import Holder
from handoff.words.capabilities import parse_capabilities
from handoff_worker.agent.delivery import Result
from handoff_worker.agent.ledger import NodeLedger

LEASE_MS = 3_600_000
"""Longer than any test, for it ends by the server's clock."""


def start(agent: NodeLedger) -> list[str]:
    """Take what stands on the queue; the reservations of what was started."""
    return [started.id for started in agent.exchange(1, 10, ()).started]


def idle_agent(cluster: Cluster, name: str = "a") -> NodeLedger:
    """The agent of a node of two cpus and two gpus."""
    agent = NodeLedger(cluster.store, name, Holder("host", 4711, "1", "here"), "first")
    agent.register(parse_capabilities({"cpu": 2, "gpu": 2}), LEASE_MS)
    return agent


class Playing:
    """An agent that does what it is told, one call after the other."""

    def __init__(self, cluster: Cluster, name: str = "a") -> None:
        self.agent = idle_agent(cluster, name)
        self._calls = 0

    def start(self) -> list[str]:
        """Start what stands on its queue; the reservations."""
        return self._exchange(10)

    def end(self, kind: Literal["finished", "failed"], *ids: str, error: str = "E", message: str = "no") -> None:
        """Let attempts end."""
        body = encode_traceback("a traceback") if kind == "failed" else ""
        self._exchange(0, *(Result(id, kind, body, *((error, message) if kind == "failed" else ())) for id in ids))

    def _exchange(self, room: int, *results: Result) -> list[str]:
        self._calls += 1
        return [started.id for started in self.agent.exchange(self._calls, room, results).started]


def failed(cluster: Cluster, playing: Playing, *, error: str = "E", message: str = "no", **options: object) -> Handle:
    """One that has failed there for good."""
    handle = cluster.enqueue(str(options.pop("code", "tasks:f")), **options)  # type: ignore[arg-type]
    playing.end("failed", *playing.start(), error=error, message=message)
    return handle
