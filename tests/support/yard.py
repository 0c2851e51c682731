"""What is written over what scripts read: values that are none, and everybody who goes on afterwards."""

from __future__ import annotations

import contextlib
import uuid
from typing import Any

import redis

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from handoff.ledger.store import Store
from support.agent import Behind, FakeAgent, Stale, killed, ok
from support.passing import pass_ms

ABSENT = "absent"

VALUES = (
    ABSENT, "", "x", "-1", "1.5", "nan", "1e400", str(10**30), "9007199254740993", "x=1;y=2", "a=1,b", "|" * 50,
    "=" * 100_000, "1" * 100_000 + "x", "0=" + ("1" * 30_000 + "/") * 3,
)  # fmt: skip
"""None of them is anything that Handoff writes, but for a few fields that may be absent, or any text."""

START_MS = 1_900_000_000_000

LEASE_MS = 15_000


def bend(client: redis.Redis, key: str, field: str, value: str) -> None:
    """Write a value over a field of a hash, or take the field away."""
    if value == ABSENT:
        client.hdel(key, field)
    else:
        client.hset(key, field, value)


def snapshot(store: Store) -> dict[bytes, bytes]:
    """All keys of the server, and what they hold."""
    client: Any = store.client
    keys = sorted(client.scan_iter(count=10_000))
    pipeline = client.pipeline(transaction=False)
    for key in keys:
        pipeline.dump(key)
    return dict(zip(keys, pipeline.execute(), strict=True))


def count_writes(store: Store) -> int:
    """How many changes a real server has counted, also of what was then as before; what expires is none."""
    client: Any = store.client
    return int(client.info("persistence")["rdb_changes_since_last_save"])


class Yard:
    """Two nodes with agents that run nothing, and a clock that stands still."""

    def __init__(self, cluster: Cluster) -> None:
        cluster.store.now_ms = START_MS
        self.cluster, self.store = cluster, cluster.store
        self.agents = {
            name: FakeAgent(cluster.store, name, {"cpu": 2, "gpu": 2}, lease_ms=LEASE_MS).register() for name in "ab"
        }
        # They expire by the server's own clock, which does not stand still.
        for name in self.agents:
            cluster.connection.persist(self.store.keys("rq_worker", self.store.keys.queue(name)))
        cluster.share({"license": 3})

    def key(self, id: str) -> str:
        return self.store.keys("rq_job", id)

    def submit(self, id: str, **options: Any) -> None:
        self.cluster.enqueue("tasks:work", job_id=id, **{"cost": {"cpu": 1, "gpu": 1}, **options})

    def tick(self) -> None:
        tick(self.store)

    def step(self, *, is_to_end: bool = True) -> bool:
        """Let every agent beat, end what it runs, and take more. -> whether any ran anything"""
        has_run = False
        for agent in self.agents.values():
            try:
                for id in agent.beat():
                    if started := agent.runs.get(id):
                        agent.finish(killed(started.id))
                has_run = has_run or bool(agent.runs)
                if is_to_end:
                    agent.finish(*(ok(id) for id in list(agent.runs)), room=8)
            except Stale:
                agent.register()
            except Behind:
                self.store.run("recall", name=agent.name, epoch=agent.epoch, op=agent.op)
        self.tick()
        return has_run

    def play(self, rounds: int = 8) -> None:
        """Go on until nothing runs any more, with some time between."""
        for _ in range(rounds):
            self.step()
            pass_ms(self.store, 2_000)
            self.tick()

    def names(self) -> list[str]:
        found: Any = self.store.client.scan_iter(match=self.key("*"))
        prefix = len(self.key(""))
        return [key.decode()[prefix:] for key in found]

    def status(self, id: str) -> str:
        value: Any = self.store.client.hget(self.key(id), "status")
        return value.decode() if value else "gone"


@contextlib.contextmanager
def yard(connection: redis.Redis) -> Any:
    """A yard in a namespace of its own, of which nothing is left."""
    with Cluster(connection=connection, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        connection.flushdb()
        yield Yard(cluster)
