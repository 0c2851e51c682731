"""How long an agent that was told to end lets its functions finish: by its settings file, or by the command line."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import agent_tasks
from child_tasks import alive
from handoff import Cluster
from support.agent_processes import Agents
from support.gate import Gate
from support.lost import assert_lost
from support.waiting import LIMIT_S, wait_until


def settings(folder: Path, text: str) -> str:
    path = folder / "node.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def told_to_end(cluster: Cluster) -> None:
    wait_until(lambda: not cluster.resources_available("a", None), "the node takes no more")


def test_a_grace_without_end_lets_what_runs_finish_and_hands_the_rest_to_others(
    cluster: Cluster, agents: Agents, gate: Gate, tmp_path: Path
) -> None:
    agent = agents.start("a", "--config", settings(tmp_path, 'grace = "forever"'))
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()
    agent.signal(signal.SIGTERM)
    told_to_end(cluster)

    late = cluster.enqueue(agent_tasks.where)

    assert (running.status, late.status, agent.process.poll()) == ("started", "waiting", None)
    gate.open("a")
    assert running.result(LIMIT_S) == 7
    assert agent.wait() == 0
    assert agent.wrote() == ""
    agents.start("b")
    assert late.result(LIMIT_S) == "b"


@pytest.mark.slow
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_ends_it_and_says_what_that_costs(
    cluster: Cluster, agents: Agents, gate: Gate, second: int
) -> None:
    agent = agents.start("a", "--grace", "forever")
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    pid = gate.arrival().pid
    agent.signal(signal.SIGTERM)
    told_to_end(cluster)

    agent.signal(second)

    assert assert_lost(lost, "a") == "the agent on node a was told to stop at once"
    assert agent.wait() == 0
    assert lost.id in agent.wrote()
    assert not alive(pid)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "flags"),
    [("grace = 0.2", []), ('grace = "forever"', ["--grace", "0.2"]), ("grace = 3600", ["--grace", "0.2"])],
)
def test_the_settings_file_says_it_and_the_command_line_wins(
    cluster: Cluster, agents: Agents, gate: Gate, tmp_path: Path, file: str, flags: list[str]
) -> None:
    agent = agents.start("a", "--config", settings(tmp_path, file), *flags)
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()

    agent.signal(signal.SIGTERM)

    assert assert_lost(lost, "a") == "the agent on node a was told to stop and its grace of 0.2 s ended"
    assert agent.wait() == 0


@pytest.mark.slow
def test_without_any_grace_what_runs_is_stopped_at_once_and_tried_elsewhere(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a", "--grace", "0")
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    retried = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, max_retries=1)
    gate.arrivals(2)
    agents.start("b")

    agent.signal(signal.SIGTERM)

    assert assert_lost(lost, "a") == "the agent on node a was told to stop and its grace of 0 s ended"
    assert agent.wait() == 0
    assert gate.arrival().node == "b"
    gate.open("b")
    assert retried.result(LIMIT_S) == 7
