"""Functions that have failed are retried by a command: one, several, or all that match."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handoff.client.cluster import Cluster
from handoff.graph.dag import DAG
from handoff.words.function import Function
from support.command_line import Run, said
from support.status import Playing, failed


@pytest.fixture
def playing(cluster: Cluster) -> Playing:
    return Playing(cluster)


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


class TestOne:
    def test_it_says_what_was_decided(self, run: Run, cluster: Cluster, playing: Playing) -> None:
        handle = failed(cluster, playing)

        result = run("retry", handle.id)

        assert (result.exit_code, result.stdout) == (0, f"{handle.id}: placed on a\n")
        assert handle.status == "queued"

    def test_programs_get_an_object_with_the_verdict(self, run: Run, cluster: Cluster, playing: Playing) -> None:
        handle = failed(cluster, playing)

        assert json.loads(run("retry", handle.id, "--json").stdout) == {
            "id": handle.id,
            "retried": True,
            "state": "placed",
            "node": "a",
            "devices": {},
            "reason": "placed on a",
        }

    def test_one_that_cannot_be_is_told_in_one_line(self, run: Run, cluster: Cluster) -> None:
        handle = cluster.enqueue("tasks:f")

        result = run("retry", handle.id)

        assert result.exit_code == 1
        assert said(result).endswith(
            "cannot be retried, for it has not ended: cancel it first, if it is to start afresh"
        )

    def test_a_run_is_told_apart(self, run: Run, cluster: Cluster) -> None:
        cluster.submit_dag(DAG("nightly").add(Function("one", "tasks:f")))

        result = run("retry", "nightly")

        assert result.exit_code == 1
        assert said(result) == "handoff: 'nightly' is a run: a run is not retried, submit its graph anew"

    def test_of_several_each_is_tried_and_the_status_says_whether_all_were(
        self, run: Run, cluster: Cluster, playing: Playing
    ) -> None:
        one, other = failed(cluster, playing), failed(cluster, playing)

        result = run("retry", one.id, "nobody", other.id, "--json")

        assert result.exit_code == 1
        assert [(each["id"], each["retried"]) for each in lines_of(result.stdout)] == [
            (one.id, True),
            ("nobody", False),
            (other.id, True),
        ]


class TestAllThatFailed:
    def test_all_are_retried_but_those_of_runs_and_it_is_told_how_many(
        self, run: Run, cluster: Cluster, playing: Playing
    ) -> None:
        handles = [failed(cluster, playing) for _ in range(3)]
        member = cluster.submit_dag(DAG().add(Function("one", "tasks:f", max_retries=0))).handle("one")
        playing.end("failed", *playing.start())
        canceled = cluster.enqueue("tasks:f", cost={"cpu": 64})
        canceled.cancel()

        result = run("retry", "--failed")

        assert result.exit_code == 0
        assert result.stdout.splitlines()[-1] == (
            "3 functions start afresh; 1 is left as it is, for it belongs to a run, or has gone meanwhile"
        )
        assert {handle.status for handle in handles} == {"queued"}
        assert (member.status, canceled.status) == ("failed", "canceled")

    def test_only_those_that_the_options_name_are(self, run: Run, cluster: Cluster, playing: Playing) -> None:
        value = failed(cluster, playing, error="builtins.ValueError")
        key = failed(cluster, playing, error="builtins.KeyError")
        train = failed(cluster, playing, error="builtins.ValueError", code="models:train")

        def retried(*options: str) -> list[str]:
            return [each["id"] for each in lines_of(run("retry", "--failed", "--json", *options).stdout)]

        assert retried("--error", "KeyError", "--name", "models") == []
        assert retried("--error", "KeyError") == [key.id]
        assert retried("--error", "builtins.ValueError", "--name", "train") == [train.id]
        assert retried("--node", "b") == []
        assert retried("--since", "2199-01-01") == []
        assert retried("--since", "1h") == [value.id]

    def test_programs_are_told_the_sums_beside_the_answer(self, run: Run, cluster: Cluster, playing: Playing) -> None:
        failed(cluster, playing)

        assert json.loads(run("retry", "--failed", "--json").stderr) == {
            "notice": "1 function starts afresh",
            "retried": 1,
            "left": 0,
        }
