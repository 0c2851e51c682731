"""A handle tells where its run is: what runs, what waits for what, and how each ended."""

from __future__ import annotations

from typing import Any, cast

import pytest

from handoff import DAG
from handoff.client.cluster import Cluster
from handoff.errors import DuplicateRun, InvalidFunction, UnknownFunction, UnknownRun
from handoff.graph.tree import tree
from handoff.graph.vertex import INLINE
from handoff.ledger.housekeeping import tick
from handoff.why.progress import Progress
from support.agent import FakeAgent, failure, ok
from support.diamond import dag, diamond, function, play
from support.passing import pass_ms
from support.waiting import LIMIT_S


class TestHandle:
    def test_it_is_found_by_the_id_of_its_dag_the_newest_first(self, cluster: Cluster, agent: FakeAgent) -> None:
        first = cluster.submit_dag(dag(function("f"), id="a b\n猫"))
        first.cancel()
        cluster.submit_dag(dag(function("g"), id="a b\n猫"))

        found = cluster.run("a b\n猫")

        assert (found.id, found.status, first.status) == ("a b\n猫", "running", "canceled")
        assert found.handle("g").status == "queued"
        with pytest.raises(UnknownFunction, match=r"^run 'a b.n猫' has no function 'f': "):
            found.handle("f")
        cluster.run("a b\n猫").cancel()

    @pytest.mark.parametrize("id", ["nobody", "", 3, None])
    def test_one_that_nobody_submitted_is_unknown(self, cluster: Cluster, id: Any) -> None:
        with pytest.raises(UnknownRun):
            cluster.run(id)

    def test_an_inline_function_has_no_handle(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())

        with pytest.raises(InvalidFunction, match="inline"):
            run.handle("half")
        run.cancel()

    def test_it_tells_what_runs_where_and_what_waits_for_what(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(
            dag(function("x", cost={"cpu": 2}), function("y", cost={"cpu": 1}), function("z", "x"))
        )
        (started,) = agent.take(1)

        found = run.progress()

        assert found == Progress(
            run.id, "running", 3, {"deferred": 1, "waiting": 1, "started": 1}, {"x": "a"}, {"y": "cpu 1"}
        )
        agent.finish(ok(started.id))
        play(agent, {})
        assert run.progress() == Progress(run.id, "finished", 3, {"finished": 3}, {}, {})

    def test_the_progress_of_thousands_is_shown_by_its_counts(self) -> None:
        many = {f"f{number}": "cpu 1" for number in range(4992)}
        found = Progress("d", "running", 5000, {"waiting": 4992, "started": 8}, {"x": "a"}, many, ["big"])

        text = "run 'd' is running: of 5,000 functions 4,992 waiting, 8 started; 1 that no live node could hold"
        assert (str(found), repr(found)) == (text, f"<Progress: {text}>")
        assert found.to_dict()["waiting"] == many
        assert found.to_dict(entries=False) == {
            "id": "d", "status": "running", "total": 5000, "counts": {"waiting": 4992, "started": 8},
        }  # fmt: skip

    def test_of_each_function_it_is_known_how_it_ended(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond(), fail_fast=False)
        play(agent, {"right": ValueError("no")})

        found = {vertex.id: vertex for vertex in run.vertices()}

        assert found["top"].job_id == run.handle("top").id
        assert (found["half"].job_id, found["half"].state) == (None, INLINE)
        assert (found["right"].attempts, found["right"].error) == (
            1,
            {"type": "builtins.ValueError", "message": "no"},
        )
        assert found["end"].error is None
        assert found["end"].reason.startswith("its dependency 'right' ")

    def test_what_no_node_could_hold_does_not_look_busy(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(
            dag(
                function("x", cost={"cpu": 2}),
                function("busy", cost={"cpu": 2}),
                function("big", cost={"cpu": 3}),
                function("either", cost=[{"cpu": 3}, {"cpu": 1}]),
            )
        )

        found = run.progress()

        assert found.infeasible == ["big"]
        assert found.waiting == {
            "busy": "cpu 2",
            "big": "cpu 3: no live node could hold it, even when idle",
            "either": "cpu 3 or cpu 1",
        }
        assert tree(run.vertices())[1:3] == [
            "  busy: waiting for cpu 2",
            "  big: waiting for cpu 3: no live node could hold it, even when idle",
        ]
        run.cancel()

    def test_of_distinct_demands_no_more_are_judged_at_once_than_the_server_has_time_for(
        self, cluster: Cluster, agent: FakeAgent
    ) -> None:
        run = cluster.submit_dag(dag(*(function(f"f{i}", cost={"cpu": 3 + i}) for i in range(70))))
        tick(cluster.store)

        assert len(run.progress().infeasible) == 64
        run.cancel()

    def test_a_node_that_fell_silent_holds_nothing(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.store.now_ms = 1_900_000_000_000
        silent = FakeAgent(cluster.store, "silent", {"cpu": 8}).register()
        run = cluster.submit_dag(dag(function("x", cost={"cpu": 8}), function("y", cost={"cpu": 8})))
        assert run.progress().infeasible == []

        pass_ms(cluster.store, silent.lease_ms + 1)

        assert run.progress().infeasible == ["y"]
        cluster.store.now_ms = 0
        run.cancel()

    def test_what_is_delayed_is_told_with_what_waits(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.store.now_ms = 1_900_000_000_000
        agent.register()
        run = cluster.submit_dag(dag(function("x", max_retries=3), function("y", delay=60)))
        (started,) = agent.take(1)
        agent.finish(failure(started.id))

        assert run.progress().waiting == {
            "x": "attempt 1 failed, next in 1.0 s",
            "y": "until 2030-03-17T17:47:40.000+00:00",
        }
        run.cancel()

    def test_a_run_that_is_being_ended_says_how_to_wait_for_that(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        with pytest.raises(DuplicateRun, match="has not ended yet: wait for it, cancel it"):
            cluster.submit_dag(dag(id=run.id))
        agent.take(1)
        run.cancel()

        with pytest.raises(DuplicateRun, match=r"is being ended: wait for it with run.wait\(\)"):
            cluster.submit_dag(dag(id=run.id))

        agent.goodbye()
        assert run.wait(LIMIT_S) == "canceled"
        assert cluster.submit_dag(dag(id=run.id)).wait(LIMIT_S) == "finished"

    def test_a_drawing_shows_each_with_its_state(self, cluster: Cluster, agent: FakeAgent) -> None:
        run = cluster.submit_dag(diamond())
        agent.take(1)

        lines = run.to_mermaid().splitlines()

        assert lines[1:6] == [
            '    n0["top<br/>on a"]:::started',
            '    n1{{"half"}}:::inline',
            '    n2["left"]:::deferred',
            '    n3["right"]:::deferred',
            '    n4["end"]:::deferred',
        ]
        assert [line.strip() for line in lines if "-->" in line] == [
            "n0 --> n1",
            "n1 --> n2",
            "n1 --> n3",
            "n0 --> n3",
            "n2 --> n4",
            "n3 --> n4",
        ]
        agent.goodbye()

    def test_the_list_has_the_newest_first(self, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.store.now_ms = 1_900_000_000_000
        first = cluster.submit_dag(diamond())
        pass_ms(cluster.store, 1000)
        second = cluster.submit_dag(diamond())

        listed = cluster.runs()

        assert [each.id for each in listed] == [second.id, first.id]
        assert [(each.status, each.total, each.finished, each.ended_at) for each in listed] == 2 * [
            ("running", 4, 0, None)
        ]
        assert (listed[0].created_at - listed[1].created_at).total_seconds() == 1
        assert [each.id for each in cluster.runs(count=1)] == [second.id]
        first.cancel()
        second.cancel()
        assert {(each.status, each.canceled, each.reason) for each in cluster.runs()} == {("canceled", 4, "canceled")}

    @pytest.mark.parametrize("count", [0, -1, 1_001, 2.0, True, "5"])
    def test_the_list_is_of_a_sensible_number(self, cluster: Cluster, count: Any) -> None:
        with pytest.raises(ValueError, match="count is"):
            cluster.runs(count)

    def test_what_is_no_dag_is_refused(self, cluster: Cluster) -> None:
        with pytest.raises(TypeError, match="is no DAG"):
            cluster.submit_dag(cast(DAG, function("f")))

    @pytest.mark.parametrize(
        ("given", "said"), [(DAG(), "is a DAG: a DAG is submitted with submit_dag"), (3, "an? int")]
    )
    def test_what_is_no_function_is_refused(self, cluster: Cluster, given: Any, said: str) -> None:
        with pytest.raises(TypeError, match=said):
            cluster.submit(given)

    def test_arguments_that_are_no_sequence_are_refused(self, cluster: Cluster) -> None:
        with pytest.raises(InvalidFunction, match="args is neither a list nor a tuple"):
            cluster.enqueue("tasks:f", args="abc")
