"""The command line on runs of graphs: the list of them, wrong calls, and how one is canceled."""

from __future__ import annotations

import json
import uuid
from datetime import datetime

import pytest

from handoff.client.cluster import Cluster
from support.agent import FakeAgent
from support.command_line import Run, handoff, said
from support.passing import pass_ms
from support.pipelines import pipeline


class TestBadArguments:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["runs", "one", "two"], "unexpected extra argument"),
            (["runs", "--count", "many"], "not a valid integer"),
            (["runs", "--count", "0"], "0 is no number of runs to list"),
            (["runs", "--mermaid"], "--mermaid draws one run, and none is named"),
        ],
    )
    def test_they_are_told_in_one_line(self, arguments: list[str], expected: str) -> None:
        result = handoff(*arguments)

        assert result.exit_code == 2
        assert expected in said(result)

    @pytest.mark.parametrize(
        ("command", "noun"), [("runs", "run"), ("status", "function"), ("cancel", "function"), ("explain", "function")]
    )
    def test_an_id_that_is_unknown_is_told_in_one_line(self, run: Run, command: str, noun: str) -> None:
        result = run(command, "nobody")

        assert result.exit_code == 1
        assert said(result).startswith(f"handoff: no {noun} 'nobody' is known: it expired")

    def test_the_command_explains_itself(self) -> None:
        result = handoff("runs", "--help")

        assert result.exit_code == 0
        assert {"--url", "--namespace", "--json", "--mermaid", "--count"} <= set(result.stdout.split())


class TestList:
    def test_none_is_a_sentence(self, run: Run, cluster: Cluster) -> None:
        result = run("runs")

        assert result.exit_code == 0
        assert result.stdout == f"No run is known in namespace {cluster.namespace} at {cluster.store.address}.\n"
        assert run("runs", "--json").stdout == "[]\n"

    def test_each_run_is_a_row_the_newest_first(self, run: Run, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.store.now_ms = 1_900_000_000_000
        cluster.submit_dag(pipeline("older")).cancel()
        pass_ms(cluster.store, 1_000)
        cluster.submit_dag(pipeline("newer"))
        cluster.store.now_ms = 0

        lines = [line.split() for line in run("runs").stdout.splitlines() if line.strip()]
        listed = json.loads(run("runs", "--json").stdout)

        assert [line[:5] for line in lines if line[0] in ("older", "newer")] == [
            ["newer", "running", "0/4", "0", "0"],
            ["older", "canceled", "0/4", "0", "4"],
        ]
        local = datetime.fromtimestamp(1_900_000_000).strftime("%b %d %H:%M").split()
        assert [line[5:8] for line in lines if line[0] in ("older", "newer")] == [local, local]
        assert listed[1] == {
            "id": "older",
            "status": "canceled",
            "total": 4,
            "finished": 0,
            "failed": 0,
            "canceled": 4,
            "created_at": "2030-03-17T17:46:40.000+00:00",
            "ended_at": "2030-03-17T17:46:40.000+00:00",
            "reason": "canceled",
        }
        assert listed[0]["ended_at"] is None
        assert len(json.loads(run("runs", "--count", "1", "--json").stdout)) == 1
        cluster.run("newer").cancel()

    def test_only_long_ids_are_broken_where_the_terminal_is_narrow(
        self, run: Run, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        id = uuid.uuid4().hex
        cluster.submit_dag(pipeline(id)).cancel()

        head, _, first, *others = [line.split() for line in run("runs").stdout.splitlines() if line.strip()]

        assert head == ["run", "status", "finished", "failed", "canceled", "created", "took"]
        assert first[1:5] == ["canceled", "0/4", "0", "4"]
        assert len(first) == 10
        assert "".join([first[0], *(word for line in others for word in line)]) == id


class TestCancel:
    def test_what_has_not_started_of_a_run_is_canceled_at_once(self, run: Run, cluster: Cluster) -> None:
        cluster.submit_dag(pipeline("g"))

        assert run("cancel", "g").stdout == "g is canceled\n"
        assert run("cancel", "g").stdout == "g was canceled already\n"
        assert cluster.run("g").status == "canceled"

    def test_what_runs_of_it_is_being_ended(self, run: Run, cluster: Cluster, agent: FakeAgent) -> None:
        cluster.submit_dag(pipeline("g"))
        agent.take(1)

        assert json.loads(run("cancel", "g", "--json").stdout) == {"id": "g", "canceled": True, "status": "running"}
        assert run("cancel", "g").stdout == "g is being canceled already\n"
        assert run("runs", "g").stdout.splitlines()[1] == "status     running: is being stopped, for it was canceled"
        agent.goodbye()

    def test_of_a_run_of_which_nothing_is_kept_it_is_still_told(self, run: Run, cluster: Cluster) -> None:
        cluster.submit_dag(pipeline("g"), failure_ttl=0)

        assert run("cancel", "g").stdout == "g is canceled\n"
        assert run("cancel", "g").exit_code == 1
