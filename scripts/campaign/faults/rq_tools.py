"""What RQ's tools do to functions in whatever state: they know nothing of reservations."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

import redis
from rq.command import send_kill_horse_command, send_shutdown_command, send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.queue import Queue
from rq.suspension import resume, suspend

from campaign.faults.dying import CHILD_DIED
from campaign.faults.fault import Kind, Struck
from campaign.world import NAMESPACE, World
from handoff.ledger.events import MOST
from handoff.serializer import Serializer

Verb = Callable[[Job, Any], object]

MISSED = (NoSuchJobError, InvalidJobOperation, redis.RedisError, ValueError)
"""What they raise when a function has moved on meanwhile, or Redis is away."""


def _some_job(world: World, draw: random.Random, client: Any) -> str | None:
    """One that something happened to just now."""
    stream = world.cluster.store.keys("events")
    ids = [
        fields[b"id"].decode().rpartition(":")[0]
        for _, fields in client.xrevrange(stream, count=min(40, MOST))
        if not fields.get(b"id", b"~").startswith(b"~")
    ]
    return draw.choice(ids) if ids else None


def _to_a_job(name: str, verb: Verb) -> Callable[[World, random.Random], Struck | None]:
    def strike(world: World, draw: random.Random) -> Struck | None:
        client = world.direct(2.0)
        try:
            id = _some_job(world, draw, client)
            if id is None:
                return None
            world.touched.setdefault(id, set()).add(name)
            with contextlib.suppress(*MISSED):
                verb(Job.fetch(id, connection=client, serializer=Serializer), client)
        except redis.RedisError:
            return None
        return Struck(id)

    return strike


def _requeue(job: Job, client: Any) -> None:
    job.requeue()


def _stop(job: Job, client: Any) -> None:
    send_stop_job_command(client, job.id)


def _empty(world: World, draw: random.Random) -> Struck | None:
    """Of what stood there just then nobody knows more than that it is gone."""
    node = draw.choice(sorted(world.agents))
    client: Any = world.direct(2.0)
    queue: Any = Queue(f"{NAMESPACE}.{node}", connection=client, serializer=Serializer)
    with contextlib.suppress(redis.RedisError):
        queue.empty()
        keys = world.cluster.store.keys
        for _, fields in client.xrevrange(keys("events"), count=MOST):
            id = fields.get(b"id", b"").decode().rpartition(":")[0]
            if fields.get(b"node") == node.encode() and id and not client.exists(keys("rq_job", id)):
                world.touched.setdefault(id, set()).add("empty")
    return Struck(node)


def _suspend(world: World, draw: random.Random) -> Struck | None:
    try:
        suspend(world.direct(2.0))
    except redis.RedisError:
        return None

    def go_on() -> None:
        resume(world.direct())

    return Struck("all", draw.uniform(0.2, 1) * world.lease_s, go_on)


def _kill_horse(world: World, draw: random.Random) -> Struck | None:
    return _command(world, draw, send_kill_horse_command)


def _shutdown(world: World, draw: random.Random) -> Struck | None:
    return _command(world, draw, send_shutdown_command)


def _command(world: World, draw: random.Random, send: Callable[[Any, str], Any]) -> Struck | None:
    agents = [agent for agent in world.free_agents() if agent.is_there]
    if not agents:
        return None
    agent = draw.choice(agents)
    if send is send_shutdown_command:
        world.told_to_end.add(agent.process.pid)
    with contextlib.suppress(redis.RedisError):
        send(world.direct(2.0), f"{NAMESPACE}.{agent.node}")
    return Struck(agent.node)


KINDS = (
    Kind("rq cancel", _to_a_job("cancel", lambda job, client: job.cancel()), 1, needs_redis=True),
    Kind("rq delete", _to_a_job("delete", lambda job, client: job.delete()), 1, needs_redis=True),
    Kind("rq requeue", _to_a_job("requeue", _requeue), 1, needs_redis=True),
    Kind("rq stop-job", _to_a_job("stop", _stop), 0.7, needs_redis=True),
    Kind("rq empty", _empty, 0.7, needs_redis=True),
    Kind("rq suspend", _suspend, 0.5, needs_redis=True),
    Kind("rq kill-horse", _kill_horse, 0.5, frozenset({CHILD_DIED}), needs_redis=True),
    Kind("rq shutdown", _shutdown, 0.5, frozenset({"NodeLost"}), needs_redis=True),
)
