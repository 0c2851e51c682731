"""A scene in which everything stands somewhere, and which is whole: each test makes something of it wrong by hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis

from handoff.client.cluster import Cluster
from handoff.doctor.examine import examine
from handoff.doctor.violation import Violation
from handoff.ledger.store import Store
from handoff.words.function import Function
from support.agent import FakeAgent
from support.diamond import dag


@dataclass
class Scene:
    """Node a with an agent, b and c without; each kind of place has a function."""

    cluster: Cluster
    agent: FakeAgent
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.cluster.store

    @property
    def redis(self) -> Any:
        return self.cluster.connection

    def key(self, name: str, of: str = "") -> str:
        return self.store.keys(name, of)

    def job(self, name: str) -> dict[str, str]:
        return {
            key.decode(): value.decode("latin-1")
            for key, value in self.redis.hgetall(self.key("rq_job", self.ids[name])).items()
        }

    def reservation(self, name: str) -> str:
        return f"{self.ids[name]}:{self.job(name)['h_placement']}"

    def examine(self) -> list[Violation]:
        return list(examine(self.store, patience_s=0))


@pytest.fixture
def scene(connection: redis.Redis) -> Iterator[Scene]:
    with Cluster(connection=connection, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        cluster.share({"license": 4})
        agent = FakeAgent(cluster.store, "a", {"cpu": 4, "gpu": 2}, labels={"zone": "x"}).register()
        cluster.register_node("b", {"cpu": 2})
        cluster.register_node("c", {"cpu": 2})
        cluster.drain("c", 3600)
        scene = Scene(cluster, agent)
        put(scene, "runs", {"gpu": 0.5, "license": 1}, node="a")
        agent.take()
        put(scene, "queued", {"cpu": 1}, node="a")
        put(scene, "waits", {"cpu": 64})
        put(scene, "behind", {"cpu": 64})
        put(scene, "delayed", {"cpu": 1}, delay=3600)
        put(scene, "limited", {"cpu": 64}, wait_ttl=3600)
        scene.ids["deferred"] = cluster.enqueue("tasks:work", depends_on=scene.ids["waits"]).id
        scene.ids["claim"] = cluster.tracker.request("b", {"cpu": 1}, ttl=3600).id
        cluster.submit_dag(
            dag(
                Function("first", "tasks:work", cost={"cpu": 64}),
                Function("second", "tasks:work", args=["first"]),
                id="graph",
            ),
            max_concurrency=2,
            timeout=3600,
        )
        scene.ids["run"] = scene.redis.get(scene.key("run_of", "graph")).decode()
        yield scene


def put(scene: Scene, name: str, cost: dict[str, float], **options: Any) -> None:
    scene.ids[name] = scene.cluster.submit(Function(name, "tasks:work", cost=cost, **options)).id
