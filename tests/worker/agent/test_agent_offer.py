"""What a node offers, by flags, file and probe; and a burst, which ends by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import agent_tasks
from handoff import Cluster
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.processes import environment
from support.waiting import LIMIT_S


def test_a_burst_ends_by_itself_when_all_that_it_could_run_has_ended(cluster: Cluster, agents: Agents) -> None:
    cluster.register_node("a", {"cpu": 2})
    handles = [cluster.enqueue(agent_tasks.echo, number, cost={"cpu": 1}) for number in range(20)]
    handles.append(cluster.enqueue(agent_tasks.fail_once, 20, max_retries=1))
    too_large = cluster.enqueue(agent_tasks.nothing, cost={"cpu": 3})

    agent = agents.start("a", "--burst")

    assert agent.wait() == 0
    assert [handle.result(0) for handle in handles] == list(range(21))
    assert too_large.status == "waiting"
    assert cluster.discover_nodes() == {}
    too_large.cancel()


def test_the_log_says_at_the_start_whom_a_node_serves_what_it_offers_and_what_it_is_kept_to(
    cluster: Cluster, redis_server: RedisServer
) -> None:
    given = ["--name", "a", "--cpu", "1.5", "--resource", "fpga=[0,3]", "--label", "zone=b", "--label", "tier=spot"]
    ended = subprocess.run(
        [sys.executable, "-m", "handoff_worker", "--namespace", cluster.namespace, "--no-probe", "--burst", *given,
         "--allow", "agent_tasks", "--enforce"],
        env={**environment(), "HANDOFF_REDIS_URL": redis_server.url},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )  # fmt: skip

    said = [line.partition(" INFO ")[2] for line in ended.stderr.splitlines() if " INFO node a " in line]
    assert said[0].startswith("node a keeps functions to the memory that they have declared")
    assert said[1:3] == [
        f"node a serves {cluster.store.address} and offers fpga 2 (0, 3), cpu 1.5, slots 24, labels tier=spot zone=b",
        "node a calls nothing but what is defined in agent_tasks",
    ]
    assert ended.stdout == ""


@pytest.mark.slow
def test_without_a_probe_a_node_has_what_it_is_given_and_nothing_else(cluster: Cluster, agents: Agents) -> None:
    agents.start(
        "a", "--resource", "fpga=[0,3]", "--resource", "license=0.5", "--device-memory", "fpga=[64,0.5]", cpu=1.5
    )

    assert cluster.tracker.capabilities("a") == {
        "cpu": 1.5, "fpga": 2, "fpga_memory": 64.5, "license": 0.5, "slots": 24,
    }  # fmt: skip


def test_a_node_has_the_labels_of_its_file_and_flags_win(cluster: Cluster, agents: Agents, tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text('[labels]\nzone = "a"\ntier = "spot"\n')

    agents.start("a", "--config", str(file), "--label", "zone=b (2)", "--label", "kind=x")

    where = {"zone": "b (2)", "tier": "spot", "kind": "x"}
    assert cluster.enqueue(agent_tasks.where, where=where).result(LIMIT_S) == "a"


@pytest.mark.slow
def test_gpus_that_are_found_bring_their_memory_and_their_model(
    cluster: Cluster, agents: Agents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho '0, GPU-a, 15000, Tesla T4'\necho '1, GPU-b, 24000, NVIDIA A10'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    for name in ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)

    agents.start("a", probe=True)
    agents.start("b", "--gpu", "[1]", probe=True)

    memory = [cluster.tracker.capabilities(name)["gpu_memory"] for name in ("a", "b")]
    assert memory == [39_000, 24_000]
    handle = cluster.enqueue(
        agent_tasks.variables, "CUDA_VISIBLE_DEVICES", cost={"gpu_memory": 9000}, where={"gpu_model": "NVIDIA A10"}
    )
    assert handle.result(LIMIT_S) == ["1"]
    assert handle.node == "b"


@pytest.mark.parametrize(
    ("mask", "gpu", "seen", "devices"),
    [("2,3", "1", "2", [2]), ("2,3", "[3]", "3", [3]), ("GPU-c,GPU-a", "[1]", "GPU-a", [1])],
)
def test_a_function_gets_a_gpu_that_its_agent_may_use(
    cluster: Cluster,
    agents: Agents,
    monkeypatch: pytest.MonkeyPatch,
    mask: str,
    gpu: str,
    seen: str,
    devices: list[int],
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", mask)
    agents.start("a", "--gpu", gpu)

    handle = cluster.enqueue(agent_tasks.variables, "CUDA_VISIBLE_DEVICES", cost={"gpu": 1})

    assert handle.result(LIMIT_S) == [seen]
    assert handle.devices == {"gpu": devices}


@pytest.mark.slow
@pytest.mark.parametrize("flags", [["--slots", "3"], ["--resource", "slots=3"]])
def test_slots_are_as_many_as_were_asked_for(cluster: Cluster, agents: Agents, flags: list[str]) -> None:
    agents.start("a", *flags)

    assert cluster.tracker.capabilities("a")["slots"] == 3
