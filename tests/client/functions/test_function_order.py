"""Which of those that wait starts first, and which start together."""

from __future__ import annotations

from handoff.client.cluster import Cluster
from support.agent import FakeAgent, ok
from support.submits import names, run, submit


class TestOrder:
    def test_larger_priorities_start_first_and_equals_in_order_of_submit(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        submit(cluster, "blocks", cost={"cpu": 2})
        for id, priority in [("low", -1000), ("one", 0), ("high", 1000), ("two", 0), ("minus", -1)]:
            submit(cluster, id, cost={"cpu": 2}, priority=priority)

        seen = []
        while started := agent.take():
            seen += names(started)
            agent.finish(ok(started[0].id))

        assert seen == ["blocks", "high", "one", "two", "minus", "low"]

    def test_priority_counts_between_different_costs_too(self, cluster: Cluster, agent: FakeAgent) -> None:
        submit(cluster, "blocks", cost={"cpu": 2})
        submit(cluster, "small", cost={"cpu": 1.5})
        submit(cluster, "urgent", cost={"cpu": 2}, priority=1)

        run(agent)

        assert names(agent.take(9)) == ["urgent"]

    def test_what_fits_is_not_held_up_by_what_does_not(self, cluster: Cluster, agent: FakeAgent) -> None:
        submit(cluster, "one", cost={"cpu": 1})
        large = submit(cluster, "large", cost={"cpu": 2}, priority=9)
        small = submit(cluster, "small", cost={"cpu": 1})

        assert (large.status, small.status) == ("waiting", "queued")

    def test_the_last_of_a_kind_never_overtakes_the_first(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 1})
        held = cluster.tracker.request("a", {"cpu": 1})
        handles = [submit(cluster, cost={"cpu": 1}) for _ in range(3)]

        cluster.tracker.release(held)

        assert [handle.status for handle in handles] == ["queued", "waiting", "waiting"]

    def test_all_that_fits_into_the_room_starts_at_once(self, cluster: Cluster) -> None:
        cluster.register_node("a", {"cpu": 4})
        held = cluster.tracker.request("a", {"cpu": 4})
        handles = [submit(cluster, cost={"cpu": cpu}) for cpu in (2, 3, 1, 1, 1)]

        cluster.tracker.release(held)

        assert [handle.status for handle in handles] == ["queued", "waiting", "queued", "queued", "waiting"]

    def test_pinned_functions_wait_each_for_their_own_node(self, cluster: Cluster) -> None:
        claims = {}
        for name in ("a", "b@x", "b"):
            cluster.register_node(name, {"cpu": 1})
            claims[name] = cluster.tracker.request(name, {"cpu": 1})
        handles = {name: submit(cluster, cost={"cpu": 1}, node=name) for name in claims}
        free = submit(cluster, cost={"cpu": 1})

        cluster.tracker.release(claims["b@x"])

        assert [handles[name].status for name in claims] == ["waiting", "queued", "waiting"]
        assert free.status == "waiting"
        assert handles["b@x"].node == "b@x"

    def test_a_node_that_joins_takes_what_waits_by_rank(self, cluster: Cluster) -> None:
        ranked = [submit(cluster, cost={"cpu": cpu}, priority=priority) for cpu, priority in [(1, 0), (3, 2), (2, 1)]]

        cluster.register_node("a", {"cpu": 4})

        assert [handle.status for handle in ranked] == ["queued", "queued", "waiting"]
