"""Why a function of a run stands where it does."""

from __future__ import annotations

from handoff import Collocated
from handoff.client.cluster import Cluster
from handoff.graph.tree import tree
from handoff.ledger.nodes import SHARED, read_nodes
from handoff.view.overview import read_overview
from support.agent import FakeAgent, ok
from support.diamond import dag, function


class TestWhy:
    def test_of_what_is_deferred_is_said_what_has_not_ended(self, cluster: Cluster, agent: FakeAgent) -> None:
        middle = [function(f"m{i}") for i in range(12)]
        run = cluster.submit_dag(dag(*middle, function("end", *(each.id for each in middle))))
        agent.finish(ok(agent.take(1)[0].id))
        agent.take(1)

        found = run.handle("end").explain()

        assert found.state == "deferred"
        assert found.text.startswith(
            "waits for its dependencies: 1 of 12 have ended, 'm1', 'm2', 'm3' and 8 more have not; "
        )
        assert found.dependencies is not None
        assert (found.dependencies["of"], found.dependencies["ended"]) == (12, 1)
        assert len(found.dependencies["open"]) == 10
        assert found.dependencies["open"][0] == {
            "function_id": "m1",
            "id": run.handle("m1").id,
            "state": "started",
            "node": "a",
        }
        agent.goodbye()
        run.cancel()

    def test_of_what_is_deferred_is_said_why_its_dependency_waits(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(dag(function("ready"), function("x", cost={"gpu": 1}), function("y", "ready", "x")))

        found = run.handle("y").explain()

        why_x = "waits for gpu 1: no live node could hold it, even when idle (gpu 1 wanted, a has 0)"
        assert found.text == (
            f"waits for its dependencies: 0 of 2 have ended, 'ready' and 'x' have not; its dependency 'x' {why_x}"
        )
        assert found.dependencies is not None
        assert found.dependencies["behind"] == {
            "way": ["x"], "id": run.handle("x").id, "state": "infeasible", "text": why_x,
        }  # fmt: skip
        run.cancel()

    def test_what_is_deferred_is_followed_to_what_does_not_wait_for_others(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        run = cluster.submit_dag(dag(function("v"), function("w", "v"), function("x", "w"), function("y", "x")))
        agent.take()

        found = run.handle("y").explain()

        assert found.text.endswith("; its dependency 'x', which waits for 'w', which waits for 'v', which runs on a")
        run.cancel()

    def test_a_long_way_is_not_followed_to_its_end(self, cluster: Cluster, agent: FakeAgent) -> None:
        names = [f"f{number}" for number in range(20)]
        steps = [function(name, *names[at - 1 : at] if at else ()) for at, name in enumerate(names)]
        run = cluster.submit_dag(dag(*steps))

        found = run.handle("f19").explain()

        assert found.dependencies is not None
        assert found.dependencies["behind"]["way"] == names[18:10:-1]
        assert found.text.endswith("which waits for 'f11', which waits for its own dependencies")
        run.cancel()

    def test_of_what_is_reserved_is_said_where(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(dag(function("x"), function("y", "x", cost={"cpu": 1})), reserve="whole")

        handle = run.handle("y")

        assert handle.status == "deferred"
        assert handle.explain().text == (
            "waits for its dependencies: 0 of 1 have ended, 'x' has not; what it costs is reserved on a already; "
            "its dependency 'x': placed on a, and not yet started"
        )
        assert handle.explain().holders[0]["amounts"] == {"cpu": 1, "slots": 1}
        run.cancel()

    def test_of_what_is_parked_is_said_who_chooses(self, cluster: Cluster, agent: FakeAgent) -> None:
        claim = cluster.tracker.request("a", {"cpu": 2})
        run = cluster.submit_dag(
            dag(function("x", cost={"cpu": 1}), function("y", node=Collocated("x"), cost={"cpu": 1}))
        )

        found = run.handle("y").explain()

        assert (run.handle("y").status, found.state) == ("waiting", "waiting")
        assert found.text == "is ready: 'x', with which it is collocated, chooses the node first"
        assert run.progress().waiting == {
            "x": "cpu 1 where all collocated with it fit (cpu 2, slots 2)",
            "y": "for 'x' to choose a node",
        }
        assert tree(run.vertices())[1] == "  y: waiting for 'x' to choose a node"
        run.cancel()
        cluster.tracker.release(claim)

    def test_a_group_that_fits_nowhere_is_told_by_what_it_needs_together(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        run = cluster.submit_dag(
            dag(function("x", cost={"cpu": 2}), function("y", node=Collocated("x"), cost={"cpu": 1}))
        )

        found = run.handle("x").explain()

        assert found.state == "infeasible"
        assert "(cpu 3 wanted for all that are collocated, a has 2)" in found.text
        run.cancel()

    def test_the_token_of_a_run_is_told_as_its_max_concurrency_and_shown_nowhere_else(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        cluster.share({"seat": 3})
        run = cluster.submit_dag(dag(function("x", cost={"seat": 1}), function("y")), max_concurrency=1)

        found = run.handle("y").explain()

        assert found.text.startswith(
            "waits for a slot: as many of its run are placed as its max_concurrency allows; function x holds it"
        )
        assert run.progress().waiting == {"y": "a slot, and a place within its run's max_concurrency"}
        assert cluster.shared() == {"seat": 3}
        assert list(read_overview(cluster.store).shared) == ["seat"]
        (token,) = [name for name in read_nodes(cluster.store, SHARED)[0].capabilities if name != "seat"]
        assert token not in str(found.to_dict())
        run.cancel()
        cluster.share({"seat": 0})
