"""The command line on one run: its functions as a tree, for programs, and for Mermaid."""

from __future__ import annotations

import json

import pytest

from handoff import DAG, Function
from handoff.client.cluster import Cluster
from support.agent import FakeAgent, failure
from support.command_line import Run, said
from support.pipelines import finish_next, pipeline


class TestOne:
    def test_it_is_a_tree_that_marks_what_runs_where(self, run: Run, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.submit_dag(pipeline("g"))
        finish_next(agent)
        agent.take(1)

        lines = run("runs", "g").stdout.splitlines()

        assert lines[:3] == [
            "run        g",
            "status     running",
            "functions  1 deferred, 1 waiting, 1 started, 1 finished, 1 inline",
        ]
        assert lines[3].startswith("created    20")
        assert lines[4:] == [
            "",
            "  load: finished on a",
            "    half: inline",
            "*     train: started on a",
            "    check: waiting for cpu 1",
            "      report: deferred, also takes train",
        ]
        assert run("status", "g").stdout.splitlines() == lines
        cluster.run("g").cancel()
        agent.goodbye()

    def test_programs_get_every_function_with_its_state(self, run: Run, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.submit_dag(pipeline("g"))
        finish_next(agent)
        agent.take(1)

        found = json.loads(run("runs", "g", "--json").stdout)
        nothing = {
            "inline": False,
            "job_id": None,
            "state": None,
            "node": None,
            "attempts": 0,
            "waits_for": None,
            "infeasible": False,
            "error": None,
            "reason": None,
        }

        assert (found["id"], found["status"], found["total"], found["finished"]) == ("g", "running", 4, 1)
        assert found["functions"][1:4] == [
            nothing | {"id": "half", "inline": True, "args": ["load"]},
            nothing
            | {"id": "train", "state": "started", "node": "a", "attempts": 1, "args": ["half"]}
            | {"job_id": cluster.run("g").handle("train").id},
            nothing
            | {"id": "check", "state": "waiting", "waits_for": "cpu 1", "args": ["load"]}
            | {"job_id": cluster.run("g").handle("check").id},
        ]
        assert json.loads(run("status", "g", "--json").stdout) == found
        cluster.run("g").cancel()
        agent.goodbye()

    def test_one_that_failed_says_so(self, run: Run, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.submit_dag(pipeline("g"))
        finish_next(agent)
        (started,) = agent.take(1)
        agent.finish(failure(started.id))

        lines = run("runs", "g").stdout.splitlines()

        assert lines[1:3] == [
            "status     failed: a function failed",
            "functions  1 finished, 1 failed, 2 canceled, 1 inline",
        ]
        assert "      train: failed on a after 1 attempt: builtins.ValueError: no" in lines

    def test_programs_get_why_each_did_not_finish(self, run: Run, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.submit_dag(pipeline("g"))
        finish_next(agent)
        (started,) = agent.take(1)
        agent.finish(failure(started.id, "boom"))

        found = {each["id"]: each for each in json.loads(run("runs", "g", "--json").stdout)["functions"]}

        assert found["train"]["error"] == {"type": "builtins.ValueError", "message": "boom"}
        assert (found["train"]["attempts"], found["train"]["reason"]) == (1, None)
        assert (found["check"]["error"], found["load"]["error"]) == (None, None)
        assert found["check"]["reason"].startswith("its run 'g' ")

    @pytest.mark.parametrize(
        ("failing", "expected"), [(1, "failed: a function failed"), (2, "failed: 2 functions failed")]
    )
    def test_one_that_went_on_says_how_many_failed(
        self, run: Run, cluster: Cluster, agent: FakeAgent, failing: int, expected: str
    ) -> None:
        graph = DAG("g")
        for i in range(failing):
            graph.add(Function(f"f{i}", "tasks:f", max_retries=0))
        cluster.submit_dag(graph, fail_fast=False)
        agent.finish(*(failure(started.id) for started in agent.take(failing)))

        assert run("runs", "g").stdout.splitlines()[1] == f"status     {expected}"

    def test_one_of_which_a_function_was_canceled_does_not_say_that_it_failed(
        self, run: Run, cluster: Cluster, agent: FakeAgent
    ) -> None:
        cluster.submit_dag(pipeline("g")).handle("check").cancel()

        assert run("runs", "g").stdout.splitlines()[1] == "status     failed: a function was canceled"

    def test_ids_are_shown_in_one_line_whatever_they_hold(self, run: Run, cluster: Cluster) -> None:
        cluster.submit_dag(DAG("a\nb \x1b[31m").add(Function("f\n\x1b", "tasks:f")))

        lines = run("runs", "a\nb \x1b[31m").stdout.splitlines()

        assert lines[0] == r"run        a\nb \x1b[31m"
        assert lines[-1].startswith(r"  f\n\x1b: waiting for a slot: no live node could hold it")
        assert r"a\nb" in run("runs").stdout
        cluster.run("a\nb \x1b[31m").cancel()

    def test_no_functions_are_no_tree(self, run: Run, cluster: Cluster) -> None:
        cluster.submit_dag(DAG("none"))

        lines = run("runs", "none").stdout.splitlines()

        assert [line.split()[0] for line in lines] == ["run", "status", "functions", "created", "ended"]
        assert lines[2] == "functions  none"

    def test_it_is_drawn_for_mermaid_on_request(self, run: Run, cluster: Cluster) -> None:
        drawn = cluster.submit_dag(pipeline("g")).to_mermaid()

        assert run("runs", "g", "--mermaid").stdout == drawn
        assert json.loads(run("runs", "g", "--mermaid", "--json").stdout) == {"mermaid": drawn}
        cluster.run("g").cancel()

    def test_a_function_of_it_is_explained_by_what_it_waits_for(
        self, run: Run, cluster: Cluster, agent: FakeAgent
    ) -> None:
        id = cluster.submit_dag(pipeline("g")).handle("report").id

        assert (
            run("explain", id)
            .stdout.splitlines()[1]
            .startswith(
                "state      deferred: waits for its dependencies: 0 of 2 have ended, 'train' and 'check' have not; "
            )
        )
        assert "status     deferred: waits for its dependencies" in run("status", id).stdout
        cluster.run("g").cancel()

    @pytest.mark.parametrize(
        ("command", "no_run"),
        [("status", "none of these is known: 'h', 'report'"), ("explain", "no run 'h' is known")],
    )
    def test_a_function_of_it_is_asked_about_by_its_own_id(
        self, run: Run, cluster: Cluster, command: str, no_run: str
    ) -> None:
        id = cluster.submit_dag(pipeline("g")).handle("report").id

        assert run(command, "g", "report").stdout == run(command, id).stdout
        assert json.loads(run(command, "g", "report", "--json").stdout)["id"] == id
        unknown = run(command, "g", "reprot")
        assert unknown.exit_code == 1
        assert said(unknown).startswith("handoff: run 'g' has no function 'reprot': ")
        assert said(run(command, "h", "report")).startswith(f"handoff: {no_run}")
        cluster.run("g").cancel()

    def test_a_run_is_not_explained_but_its_functions_that_wait_are_named(self, run: Run, cluster: Cluster) -> None:
        graph = DAG("g")
        for i in range(5):
            graph.add(Function(f"f{i}", "tasks:f"))
        cluster.submit_dag(graph)

        waiting = run("explain", "g")
        cluster.run("g").cancel()
        ended = run("explain", "g")

        assert (waiting.exit_code, ended.exit_code) == (1, 1)
        assert said(waiting).startswith(
            "handoff: 'g' is a run: explain one of its functions (those that wait: 'f0', 'f1', 'f2', ...) by "
        )
        assert said(ended).startswith("handoff: 'g' is a run: explain one of its functions by ")
