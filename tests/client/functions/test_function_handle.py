"""A handle tells where its function is, also one that was made from an id."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import UnknownFunction
from handoff.ledger import functions as work
from handoff.ledger.housekeeping import tick
from handoff.why.explain import explain
from support.agent import FakeAgent, failure, ok
from support.submits import NOW_MS, later, submit


class TestHandle:
    @pytest.fixture
    def other(self, cluster: Cluster) -> Iterator[Cluster]:
        """Another process's view of the same namespace."""
        with Cluster(connection=cluster.connection, namespace=cluster.namespace) as other:
            other.store.now_ms = NOW_MS
            yield other

    def test_a_handle_from_an_id_sees_waits_and_cancels_as_the_first_one(
        self, cluster: Cluster, other: Cluster, agent: FakeAgent
    ) -> None:
        done, running = submit(cluster, "done"), submit(cluster, "running", cost={"cpu": 1})
        agent.finish(*(ok(started.id, {"a": (1, b"2")}) for started in agent.take()), room=1)

        seen = other.handle(done.id)
        assert (seen.id, seen.function_id) == (done.id, "done")
        assert (seen.status, seen.node, seen.attempts) == ("finished", "a", 1)
        assert seen.result() == done.result() == {"a": (1, b"2")}
        assert other.handle(running.id).status == "started"
        assert other.handle(running.id).cancel()
        assert not running.cancel()

    def test_every_step_shows_in_status_node_and_attempts(self, cluster: Cluster, agent: FakeAgent) -> None:
        def seen() -> tuple[str, str | None, int]:
            return handle.status, handle.node, handle.attempts

        claim = cluster.tracker.request("a", {"cpu": 2})
        handle = submit(cluster, cost={"cpu": 1}, max_retries=1)
        steps = [seen()]
        cluster.tracker.release(claim)
        steps.append(seen())
        [first] = agent.take()
        steps.append(seen())
        agent.finish(failure(first.id))
        steps.append(seen())
        later(cluster, 1)
        steps.append(seen())
        [second] = agent.take()
        steps.append(seen())
        agent.finish(ok(second.id))
        steps.append(seen())

        assert steps == [
            ("waiting", None, 0), ("queued", "a", 0), ("started", "a", 1), ("delayed", None, 1), ("queued", "a", 1),
            ("started", "a", 2), ("finished", "a", 2),
        ]  # fmt: skip

    def test_one_that_was_canceled_is_retried_by_whoever_has_its_handle(self, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:work", cost={"cpu": 1})
        handle.cancel()

        assert cluster.handle(handle.id).retry().state == "infeasible"
        assert handle.status == "waiting"

    def test_a_function_of_another_namespace_is_unknown_and_nobody_there_cancels_it(self, cluster: Cluster) -> None:
        handle = submit(cluster)

        with Cluster(connection=cluster.connection, namespace="elsewhere") as elsewhere:
            for look in (
                elsewhere.handle,
                lambda id: work.cancel(elsewhere.store, id),
                lambda id: explain(elsewhere.store, id),
            ):
                with pytest.raises(UnknownFunction):
                    look(handle.id)
        assert handle.status == "waiting"

    def test_whatever_looks_at_a_function_that_is_gone_says_so(self, cluster: Cluster) -> None:
        handle = submit(cluster)
        handle.job.delete()
        tick(cluster.store)

        for look in (
            lambda: handle.status, lambda: handle.node, lambda: handle.devices, lambda: handle.attempts,
            lambda: handle.job, handle.result, lambda: cluster.handle(handle.id),
        ):  # fmt: skip
            with pytest.raises(UnknownFunction, match=handle.id):
                look()
