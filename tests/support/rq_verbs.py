"""What RQ's tools do to a function, whatever state it is in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from rq import Queue
from rq.job import Job
from rq.registry import (
    BaseRegistry,
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    StartedJobRegistry,
    clean_registries,
)
from rq.suspension import resume, suspend

from handoff.client.cluster import Cluster
from handoff.client.handle import Handle
from handoff.serializer import Serializer
from support.agent import FakeAgent


def queue_of(cluster: Cluster, theirs: redis.Redis, node: str) -> Any:
    return Queue(cluster.store.keys.queue(node), connection=theirs, serializer=Serializer)


def of_registry(kind: type[BaseRegistry], place: str) -> Callable[[Cluster, Handle, redis.Redis], object]:
    return lambda cluster, handle, theirs: kind(
        f"{cluster.namespace}{place}", connection=theirs, serializer=Serializer
    ).requeue(handle.id)


def clean(cluster: Cluster, handle: Handle, theirs: redis.Redis) -> None:
    """What `rq info`, every count of a registry and the maintenance of any other rq worker do."""
    for place in ("", ".a"):
        queue = Queue(f"{cluster.namespace}{place}", connection=theirs)
        clean_registries(queue)
        for kind in (StartedJobRegistry, FinishedJobRegistry, FailedJobRegistry, CanceledJobRegistry):
            assert kind(queue=queue).count >= 0


def pause(cluster: Cluster, handle: Handle, theirs: redis.Redis) -> None:
    """Suspend, let everybody do what they can, resume."""
    suspend(theirs)
    agent = FakeAgent(cluster.store, "b", {"cpu": 2}).register()
    assert agent.take(9) == []
    agent.goodbye()
    resume(theirs)


VERBS: dict[str, Callable[[Cluster, Handle, redis.Redis], object]] = {
    "nothing": lambda cluster, handle, theirs: None,
    "job.cancel()": lambda cluster, handle, theirs: Job.fetch(handle.id, connection=theirs).cancel(),
    "job.delete()": lambda cluster, handle, theirs: Job.fetch(handle.id, connection=theirs).delete(),
    "job.requeue()": lambda cluster, handle, theirs: Job.fetch(
        handle.id, connection=theirs, serializer=Serializer
    ).requeue(),
    "canceled.requeue()": of_registry(CanceledJobRegistry, ".a"),
    "finished.requeue()": of_registry(FinishedJobRegistry, ".a"),
    "deferred.requeue()": of_registry(DeferredJobRegistry, ""),
    "queue.empty()": lambda cluster, handle, theirs: queue_of(cluster, theirs, "a").empty(),
    "lobby.empty()": lambda cluster, handle, theirs: queue_of(cluster, theirs, "").empty(),
    "queue.delete()": lambda cluster, handle, theirs: queue_of(cluster, theirs, "a").delete(),
    "registry.cleanup()": clean,
    "suspend, resume": pause,
}
