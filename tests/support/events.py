"""What tests wait for and read in what a cluster tells of itself."""

from __future__ import annotations

import time
from collections.abc import Mapping

from handoff.client.cluster import Cluster
from handoff.ledger.nodes import Node, read_nodes
from support.waiting import LIMIT_S


def newest(cluster: Cluster) -> bytes:
    """The id of the newest event."""
    last = b"0-0"
    while events := cluster.events(last):
        last = events[-1][0]
    return last


def await_event(
    cluster: Cluster, after: bytes = b"0-0", of: str = "", **fields: str
) -> tuple[bytes, Mapping[str, str]]:
    """Wait for an event that has these fields, the first after an id; with `of`, of a reservation of that job."""
    limit_s = time.monotonic() + LIMIT_S
    while time.monotonic() < limit_s:
        for id, event in cluster.events(after, block_s=1.0):
            after = id
            if fields.items() <= event.items() and (not of or event.get("id", "").rpartition(":")[0] == of):
                return id, event
    raise AssertionError(f"no event {fields} within {LIMIT_S:g} s")


def exchanges(cluster: Cluster, node: str) -> int:
    """How often the node's agent has delivered and looked for more, which it does twice a second at least."""
    return int(cluster.store.read("HGET", cluster.store.keys("node", node), "op") or 0)


def node_of(cluster: Cluster, name: str) -> Node:
    """The books of one node."""
    (node,) = read_nodes(cluster.store, name)
    return node
