"""The functions of a namespace as a command lists them."""

from __future__ import annotations

import json

import pytest

from handoff.client.cluster import Cluster
from handoff.graph.dag import DAG
from handoff.words.function import Function
from support.command_line import Run, said
from support.status import Playing, failed


def test_each_has_a_line_with_its_whole_id_in_80_columns(run: Run, cluster: Cluster) -> None:
    playing = Playing(cluster, "a-rather-long-name-of-a-node.example.com")
    broken = failed(cluster, playing, code="models.big.networks:train", error="builtins.ValueError", message="x" * 90)
    cluster.submit_dag(DAG().add(Function("one", "tasks:f", cost={"cpu": 64})))

    heading, *lines = run("jobs").stdout.splitlines()

    assert heading.split() == ["id", "state", "for", "node", "what"]
    assert max(map(len, lines)) <= 80
    assert {line.split()[1] for line in lines} == {"infeasible", "failed"}
    (line,) = [line for line in lines if line.startswith(f"{broken.id}  ")]
    assert "  a-rather...  train: Va" in line
    assert line.endswith("...")


def test_an_id_that_is_longer_than_the_rest_is_whole_too(run: Run, cluster: Cluster) -> None:
    cluster.enqueue("tasks:f", job_id="a" * 120)

    assert "a" * 120 in run("jobs").stdout


def test_what_is_listed_is_chosen_by_its_options(run: Run, cluster: Cluster) -> None:
    big = cluster.enqueue("tasks:train", cost={"cpu": 8})
    small = cluster.enqueue("tasks:test", cost={"cpu": 1})
    small.cancel()
    run_handle = cluster.submit_dag(DAG("mine").add(Function("one", "tasks:f")))
    (member,) = [run_handle.handle("one").id]

    def ids(*options: str) -> list[str]:
        return [json.loads(line)["id"] for line in run("jobs", "--json", *options).stdout.splitlines()]

    assert ids("--state", "canceled") == [small.id]
    assert set(ids("--state", "canceled", "--state", "infeasible", "--name", "tasks:t")) == {small.id, big.id}
    assert ids("--run", "mine") == [member]
    assert ids("--shape", "cpu=8") == [big.id]
    assert ids("--node", "nowhere") == []
    assert len(ids("--since", "1h")) == 3
    assert ids("--since", "2199-01-01") == []


def test_programs_get_an_object_a_line_with_the_same_keys_in_every_state(run: Run, cluster: Cluster) -> None:
    failed(cluster, Playing(cluster))
    cluster.enqueue("tasks:f")

    found = [json.loads(line) for line in run("jobs", "--json").stdout.splitlines()]

    assert {row["state"] for row in found} == {"queued", "failed"}
    assert {tuple(row) for row in found} == {
        (
            "id", "function_id", "run", "name", "description", "state", "infeasible", "node", "cost", "shape",
            "attempts", "at", "created_at", "started_at", "ended_at", "duration_s", "error", "message",
        )
    }  # fmt: skip


def test_that_there_are_more_is_told_beside_the_answer(run: Run, cluster: Cluster) -> None:
    cluster.map("tasks:f", range(3))

    few, all_of_them = run("jobs", "--limit", "2"), run("jobs", "--limit", "3")

    assert few.stderr.startswith("there are more: these are the newest 2 ")
    assert len(few.stdout.splitlines()) == 3
    assert all_of_them.stderr == ""
    assert json.loads(run("jobs", "--limit", "2", "--json").stderr)["listed"] == 2


def test_where_there_is_none_it_says_where_it_has_looked(run: Run, cluster: Cluster) -> None:
    assert run("jobs").stdout == f"No function is known in namespace {cluster.namespace} at {cluster.store.address}.\n"
    assert run("jobs", "--state", "failed").stdout.startswith("No such function is known in namespace")
    assert run("jobs", "--json").stdout == ""


@pytest.mark.parametrize("text", ["5x", "soon", "-1h", "1e3s", "0x10", ""])
def test_a_time_that_is_none_is_refused(run: Run, text: str) -> None:
    result = run("jobs", "--since", text)

    assert result.exit_code == 2
    assert "is no time: write how long ago" in said(result)


def test_a_time_long_before_all_others_is_one(run: Run, cluster: Cluster) -> None:
    cluster.enqueue("tasks:f")

    assert len(run("jobs", "--since", "999999999d").stdout.splitlines()) == 2
