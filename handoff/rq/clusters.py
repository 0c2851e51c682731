"""The clusters that queues stand for: one for each server and namespace, or one whose functions run in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import redis

from handoff.client.cluster import Cluster
from handoff.client.default import default_cluster
from handoff.serializer import Serializer, SerializerLike
from handoff.words.address import DEFAULT_NAMESPACE
from handoff.words.remembered import Remembered

if TYPE_CHECKING:
    from handoff.testing import ClusterHere

MOST = 64
"""Clusters that are kept for the next queue: each has a pool of connections of its own."""

_made: Remembered[Hashable, Cluster] = Remembered(MOST)
"""A web view makes a queue per request, and maybe a connection."""

_lock = threading.Lock()


def cluster_of(
    connection: redis.Redis | None, namespace: str | None, serializer: SerializerLike, *, is_async: bool
) -> Cluster | None:
    """A cluster on this connection, the same one each time. None = the default one, whichever that is then."""
    if connection is None and namespace is None and serializer is Serializer and is_async:
        return None
    given = default_cluster().connection if connection is None else connection
    options: dict[str, Any] = {"namespace": namespace or DEFAULT_NAMESPACE, "serializer": serializer}
    key = (_server_of(given.connection_pool), options["namespace"], serializer, is_async)
    with _lock:
        made = _made.get(key)
        if made is None:
            made = _made.keep(key, Cluster(connection=given, **options) if is_async else _here(given, options))
        return made


def run_here(cluster: Cluster) -> None:
    """Have a cluster of this process run what can run."""
    run_all: Callable[[], int] = cluster.run_all  # type: ignore[attr-defined]
    run_all()


def _server_of(pool: redis.ConnectionPool) -> Hashable:
    """What two pools that connect alike have in common."""
    made_with = sorted(pool.connection_kwargs.items())
    values = ((name, value if isinstance(value, Hashable) else id(value)) for name, value in made_with)
    return (pool.connection_class, *values)


def _here(connection: redis.Redis, options: dict[str, Any]) -> ClusterHere:
    # Whoever does not ask for it does without the worker's side.
    from handoff.testing import ClusterHere

    made = ClusterHere(connection, **options)
    made.add_node("here", {"cpu": 1})
    return made
