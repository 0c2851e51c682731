"""`handoff logs` shows what a function has printed."""

from __future__ import annotations

import json

import pytest

from handoff import DAG, Function
from handoff.client.cluster import Cluster
from support.agent import FakeAgent, ok
from support.command_line import Run


@pytest.fixture
def printed(cluster: Cluster) -> str:
    """-> a function that has printed two lines, of which the second is not ended"""
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    handle = cluster.enqueue("tasks:f")
    (started,) = agent.take()
    agent.tell((started.id, "output", 11, b"one\nand two"))
    agent.finish(ok(started.id))
    return handle.id


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ([], "one\nand two"),
        (["--follow"], "one\nand two\n"),
        (["--json"], json.dumps("one\nand two") + "\n"),
        (["-f", "--json"], '"one"\n"and two"\n'),
    ],
    ids=" ".join,
)
def test_what_was_printed_is_shown(run: Run, printed: str, options: list[str], shown: str) -> None:
    assert run("logs", printed, *options).stdout == shown


def test_of_a_function_that_is_unknown_one_line_says_so(run: Run) -> None:
    result = run("logs", "never")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "no function 'never' is known" in result.stderr


def test_a_function_of_a_run_is_named_by_both(run: Run, cluster: Cluster) -> None:
    agent = FakeAgent(cluster.store, "a", {"cpu": 1}).register()
    cluster.submit_dag(DAG("graph").add(Function("f", "tasks:f")))
    (started,) = agent.take()
    agent.tell((started.id, "output", 3, b"one"))

    assert run("logs", "graph", "f").stdout == "one"
