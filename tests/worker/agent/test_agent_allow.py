"""An agent that was told what may be called on its node: all else fails at once, says so, and is not tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

import agent_tasks
from handoff import DAG, Argument, Cluster, Function, FunctionFailed, Handle
from support.agent_processes import Agents
from support.results import told
from support.waiting import LIMIT_S

ALLOWED = ("--allow", "agent_tasks:echo", "--allow", "agent_tasks:tell_failure_of_the_call")


def refusal(handle: Handle) -> FunctionFailed:
    with pytest.raises(FunctionFailed) as caught:
        handle.result(LIMIT_S)
    return caught.value


def test_what_is_not_allowed_fails_without_another_attempt_and_the_agent_goes_on(
    agents: Agents, cluster: Cluster, tmp_path: Path
) -> None:
    agent = agents.start("a", *ALLOWED)
    mark = tmp_path / "mark"

    handle = cluster.enqueue("os:mkdir", str(mark), max_retries=3, on_failure=agent_tasks.tell_failure_of_the_call)

    failed = refusal(handle)
    assert failed.exception_type == "handoff.errors.NotAllowed"
    assert failed.attempts == 1
    assert failed.message == (
        "'os.mkdir' is not defined in what may be called on this node, which is agent_tasks:echo, "
        "agent_tasks:tell_failure_of_the_call: start its agent with --allow os:mkdir as well, or name what it allows"
    )
    assert told(cluster, handle).startswith("a: OriginalUnavailable")
    assert cluster.enqueue(agent_tasks.echo, 5).result(LIMIT_S) == 5
    assert not mark.exists()
    assert agent.process.poll() is None


def test_functions_of_graphs_keep_to_it_too(agents: Agents, cluster: Cluster, tmp_path: Path) -> None:
    agents.start("a", "--config", str(_settings(tmp_path, 'allow = ["agent_tasks"]')))
    mark = str(tmp_path / "mark")
    graphs = [
        DAG().add(Function("x", agent_tasks.echo, extra_args=[mark])).add(Function("y", "os:mkdir", args=["x"])),
        DAG()
        .add(Function("x", agent_tasks.echo, extra_args=[mark]))
        .add(Function("y", agent_tasks.echo, args=[Argument("x", deserialize="os:mkdir")])),
        DAG()
        .add(Function("x", agent_tasks.echo, extra_args=[mark]))
        .add(Function("y", "os:mkdir", args=["x"], type="inline"))
        .add(Function("z", agent_tasks.echo, args=["y"])),
        DAG().add(Function("x", "agent_tasks:os.mkdir", extra_args=[mark])),
    ]
    for dag in graphs:
        with pytest.raises(FunctionFailed, match=r"'(agent_tasks\.)?os.mkdir' is not defined in what may be called"):
            cluster.submit_dag(dag).result(LIMIT_S)

    assert not Path(mark).exists()
    assert cluster.enqueue(agent_tasks.echo, 5).result(LIMIT_S) == 5


def _settings(folder: Path, text: str) -> Path:
    path = folder / "node.toml"
    path.write_text(text)
    return path
