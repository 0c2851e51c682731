"""A function is in the one registry of its state, and nodes are queues."""

from __future__ import annotations

import pytest
import redis
from rq import Queue
from rq.job import Job
from rq.registry import (
    BaseRegistry,
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)

from handoff.client.cluster import Cluster
from handoff.ledger.housekeeping import tick
from support.agent import FakeAgent, failure, ok
from support.passing import pass_ms
from support.rq_states import NOW, STATES, submit, to_started

REGISTRIES: dict[str, tuple[type[BaseRegistry], str]] = {
    "waiting": (DeferredJobRegistry, ""),
    "delayed": (DeferredJobRegistry, ""),
    "started": (StartedJobRegistry, ".a"),
    "finished": (FinishedJobRegistry, ".a"),
    "failed": (FailedJobRegistry, ".a"),
    "canceled": (CanceledJobRegistry, ".a"),
}

LONG_AGO_MS = 1_500_000_000_000
"""By RQ's clock, which nobody sets."""


class TestRegistries:
    @pytest.mark.parametrize("state", STATES)
    def test_a_function_is_in_the_one_registry_of_its_state(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis, state: str
    ) -> None:
        handle = STATES[state](cluster, agent)
        agent.beat()
        found = [
            (kind, place)
            for place in ("", ".a")
            for kind in (
                DeferredJobRegistry, StartedJobRegistry, FinishedJobRegistry, FailedJobRegistry, CanceledJobRegistry,
                ScheduledJobRegistry,
            )
            if handle.id in kind(f"{cluster.namespace}{place}", connection=theirs).get_job_ids()
        ]  # fmt: skip

        assert found == ([REGISTRIES[state]] if state in REGISTRIES else [])
        queue = Queue(f"{cluster.namespace}.a", connection=theirs)
        assert (handle.id in queue.job_ids) == (state == "queued")

    def test_a_function_that_runs_longer_than_a_heartbeat_is_one_execution_of_its_agent(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        handle = to_started(cluster, agent)
        name = f"{cluster.namespace}.a"
        for _ in range(2):
            agent.beat()

        [execution] = Job.fetch(handle.id, connection=theirs).get_executions()

        assert (execution.worker_name, execution.created_at) == (name, NOW)
        registry = StartedJobRegistry(name, connection=theirs)
        assert registry.get_job_and_execution_ids() == [(handle.id, execution.id)]
        assert [f"{handle.id}:{execution.id}"] == list(agent.runs)
        assert theirs.exists(key := f"rq:execution:{handle.id}:{execution.id}")
        agent.finish(*(ok(id) for id in agent.runs))
        assert Job.fetch(handle.id, connection=theirs).get_executions() == []
        assert not theirs.exists(key)

    def test_rqs_cleanup_leaves_what_runs_alone_however_long_ago_it_was_started(
        self, cluster: Cluster, theirs: redis.Redis
    ) -> None:
        cluster.store.now_ms = LONG_AGO_MS
        agent = FakeAgent(cluster.store, "a", {"cpu": 2}).register()
        handle = to_started(cluster, agent)
        agent.beat()

        registry = StartedJobRegistry(f"{cluster.namespace}.a", connection=theirs)
        registry.cleanup()

        assert registry.get_job_ids(cleanup=False) == [handle.id]
        assert handle.status == "started"

    def test_entries_of_what_has_ended_expire_with_it(
        self, cluster: Cluster, agent: FakeAgent, theirs: redis.Redis
    ) -> None:
        for end in (ok, failure):
            submit(cluster, end.__name__, result_ttl=60, failure_ttl=60)
            agent.finish(*(end(started.id) for started in agent.take()))
        submit(cluster, "canceled", failure_ttl=60).cancel()
        agent.goodbye()

        pass_ms(cluster.store, 62_000)
        tick(cluster.store)

        for kind in (FinishedJobRegistry, FailedJobRegistry, CanceledJobRegistry):
            assert kind(f"{cluster.namespace}.a", connection=theirs).get_job_count(cleanup=False) == 0

    def test_queues_are_the_lobby_and_one_for_each_node(self, cluster: Cluster, theirs: redis.Redis) -> None:
        def mine() -> set[str]:
            return {queue.name for queue in Queue.all(connection=theirs) if queue.name.startswith(cluster.namespace)}

        for name in ("a", "b"):
            cluster.register_node(name, {"cpu": 1})
        assert mine() == {cluster.namespace, f"{cluster.namespace}.a", f"{cluster.namespace}.b"}

        cluster.deregister_node("a")
        assert mine() == {cluster.namespace, f"{cluster.namespace}.b"}
