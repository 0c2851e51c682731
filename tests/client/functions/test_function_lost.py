"""What becomes of functions whose node is lost or taken away."""

from __future__ import annotations

import pytest

from handoff.client.cluster import Cluster
from handoff.errors import NodeLost
from support.agent import FakeAgent, ok
from support.passing import pass_ms
from support.submits import later, run, submit


def callbacks_due(cluster: Cluster) -> list[str]:
    reply = cluster.store.run("tick", room=9, token="t")
    return [id.decode() for id, *_ in reply[2]]


class TestLostNode:
    def test_what_was_queued_waits_again_at_no_cost_and_what_ran_costs_an_attempt(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        running, queued = submit(cluster, cost={"cpu": 1}, max_retries=1), submit(cluster, cost={"cpu": 1})
        agent.take()

        later(cluster, 7)

        assert (running.status, running.attempts) == ("delayed", 1)
        assert (queued.status, queued.attempts) == ("waiting", 0)

    def test_both_run_elsewhere(self, cluster: Cluster, agent: FakeAgent) -> None:
        running, queued = submit(cluster, cost={"cpu": 1}, max_retries=1), submit(cluster, cost={"cpu": 1})
        agent.take()
        later(cluster, 7)
        other = FakeAgent(cluster.store, "b", {"cpu": 1}).register()

        assert run(other) == ["stored"]
        later(cluster, 1)
        assert run(other) == ["stored"]

        assert [(handle.status, handle.node, handle.attempts) for handle in (running, queued)] == [
            ("finished", "b", 2),
            ("finished", "b", 1),
        ]

    def test_the_late_result_of_a_lost_agent_is_refused(self, cluster: Cluster, agent: FakeAgent) -> None:
        handle = submit(cluster)
        [running] = agent.take()
        later(cluster, 7)

        agent.register()

        assert agent.finish(ok(running.id, "late")) == ["refused"]
        with pytest.raises(NodeLost):
            handle.result()

    @pytest.mark.parametrize("callback", ["tasks.told", None])
    def test_on_failure_of_a_lost_function_is_handed_to_one_agent(
        self, cluster: Cluster, agent: FakeAgent, callback: str | None
    ) -> None:
        handle = cluster.enqueue("tasks:work", on_failure=callback)
        agent.take()
        pass_ms(cluster.store, 7000)

        assert callbacks_due(cluster) == ([handle.id] if callback else [])
        assert cluster.connection.llen(cluster.store.keys("callbacks")) == 0

    def test_deregistering_a_node_loses_what_it_ran(self, cluster: Cluster, agent: FakeAgent) -> None:
        running, queued = submit(cluster, cost={"cpu": 1}), submit(cluster, cost={"cpu": 1})
        agent.take()

        cluster.deregister_node("a")

        assert queued.status == "waiting"
        with pytest.raises(NodeLost):
            running.result()
