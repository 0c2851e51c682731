"""The default cluster: made on first use from the environment, or by `connect`; the shortcuts of `handoff` use it."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.client.run_handle import RunHandle
from handoff.graph.dag import DAG
from handoff.ledger.results import RunResult
from handoff.words.capabilities import DeviceMemory
from handoff.words.code import Code
from handoff.words.function import Function
from handoff.words.resources import Amount, Number

_lock = threading.Lock()
_cluster: Cluster | None = None


def connect(url: str | None = None, **options: Any) -> Cluster:
    """Make a `Cluster` of these arguments the default one, and return it. Connects on first use."""
    global _cluster
    cluster = Cluster(url, **options)
    with _lock:
        _cluster = cluster
    return cluster


def default_cluster() -> Cluster:
    """The cluster of the shortcuts: `HANDOFF_REDIS_URL`, else `REDIS_URL`, else the local server."""
    global _cluster
    with _lock:
        if _cluster is None:
            _cluster = Cluster()
        return _cluster


@contextlib.contextmanager
def as_default(cluster: Cluster) -> Iterator[None]:
    """Let it be the default one until the block is left; then it is again what was before."""
    global _cluster
    with _lock:
        before, _cluster = _cluster, cluster
    try:
        yield
    finally:
        with _lock:
            _cluster = before


def register_node(
    name: str,
    capabilities: Mapping[str, Number | Sequence[int]],
    labels: Mapping[str, str] | None = None,
    device_memory: DeviceMemory | None = None,
) -> None:
    """`Cluster.register_node` on the default cluster."""
    default_cluster().register_node(name, capabilities, labels, device_memory)


def deregister_node(name: str) -> None:
    """`Cluster.deregister_node` on the default cluster."""
    default_cluster().deregister_node(name)


def discover_nodes() -> dict[str, dict[str, Amount]]:
    """`Cluster.discover_nodes` on the default cluster."""
    return default_cluster().discover_nodes()


def resources_available(node: str, cost: Mapping[str, Number] | None) -> bool:
    """`Cluster.resources_available` on the default cluster."""
    return default_cluster().resources_available(node, cost)


def submit(function: Function, **options: Any) -> Handle:
    """`Cluster.submit` on the default cluster."""
    return default_cluster().submit(function, **options)


def enqueue(fn: Code, *args: Any, **kwargs: Any) -> Handle:
    """`Cluster.enqueue` on the default cluster."""
    return default_cluster().enqueue(fn, *args, **kwargs)


def submit_dag(dag: DAG, **options: Any) -> RunHandle:
    """`Cluster.submit_dag` on the default cluster."""
    return default_cluster().submit_dag(dag, **options)


def execute(dag: DAG, **options: Any) -> RunResult:
    """`Cluster.execute` on the default cluster."""
    return default_cluster().execute(dag, **options)


def run(id: str) -> RunHandle:
    """`Cluster.run` on the default cluster."""
    return default_cluster().run(id)


def this_node() -> str:
    """Inside a function the node that runs it; else `HANDOFF_NODE`, else the host's name."""
    return os.environ.get("HANDOFF_NODE") or socket.gethostname()
