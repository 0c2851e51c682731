"""Where agents import functions from, and what becomes of those that a node cannot import."""

from __future__ import annotations

from pathlib import Path

import pytest

from handoff import Cluster, FunctionFailed
from support.agent_processes import Agents
from support.waiting import LIMIT_S


def test_functions_are_imported_from_the_paths_that_are_given_and_from_where_the_agent_was_started(
    cluster: Cluster, agents: Agents, tmp_path: Path
) -> None:
    for name in ("one", "two", "here"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"module_{name}.py").write_text(f"def function():\n    return {name!r}\n")
    paths = [flag for name in ("one", "two") for flag in ("--path", str(tmp_path / name))]
    agents.start("a", *paths, folder=tmp_path / "here")

    handles = [cluster.enqueue(f"module_{name}:function") for name in ("one", "two", "here")]

    assert [handle.result(LIMIT_S) for handle in handles] == ["one", "two", "here"]


def test_what_a_node_cannot_import_fails_there_whatever_retries_are_left(cluster: Cluster, agents: Agents) -> None:
    agents.start("a")
    agents.start("b")

    handle = cluster.enqueue("module_of_nobody:function", max_retries=3)

    with pytest.raises(FunctionFailed, match="module_of_nobody") as caught:
        handle.result(LIMIT_S)
    assert (caught.value.node, caught.value.attempts) == ("a", 1)
    assert caught.value.exception_type == "ModuleNotFoundError"
