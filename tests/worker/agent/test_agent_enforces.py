"""`handoff node --enforce`: who uses more memory than he had declared is stopped, and nobody else; what others use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from handoff import Cluster, MemoryExceeded
from handoff.ledger.nodes import read_nodes
from handoff_worker.machine.gpu_use import tells_processes_apart
from support.agent_processes import Agents
from support.children import TESTS
from support.control_groups import own_group, within
from support.waiting import LIMIT_S, wait_until


@pytest.fixture(params=["by watching", "by control groups"])
def command(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """What begins the command line of an agent that finds what it needs for that way.

    A test asks for it before it asks for agents: they are gone before their group is looked at.
    """
    if request.param == "by watching":
        yield []
        return
    with own_group() as group:
        yield within(group)


def test_only_the_liar_is_stopped_and_says_how_much_it_was(
    command: list[str], cluster: Cluster, agents: Agents
) -> None:
    flags = ["--enforce", "--memory", "1000", "--path", TESTS, "--lease", "2", "--learn-ttl", "3600"]
    agent = agents.start("a", *flags, within=command)
    honest = cluster.enqueue("child_usage:hold_memory", 150, 3, cost={"memory": 250})
    liar = cluster.enqueue("child_usage:hold_memory", 250, 60, cost={"memory": 100}, max_retries=3)

    with pytest.raises(MemoryExceeded) as caught:
        liar.result(LIMIT_S)

    assert (caught.value.declared, caught.value.used >= 164, liar.attempts) == (100, True, 1)
    assert liar.usage is not None
    assert liar.usage.memory == caught.value.used
    learned = cluster.store.keys("learned", "child_usage.hold_memory")
    wait_until(lambda: cluster.connection.hlen(learned) == 1, "the liar is learned of")
    assert cluster.connection.pttl(learned) <= 3_600_000
    assert honest.result(LIMIT_S) == "150 MB"
    assert agent.process.poll() is None


def test_who_grows_runs_in_the_end(command: list[str], cluster: Cluster, agents: Agents) -> None:
    agents.start("a", "--enforce", "--memory", "1000", "--path", TESTS, within=command)

    handle = cluster.enqueue(
        "child_usage:hold_memory_at_first", 250, 60, cost={"memory": 100}, on_memory_exceeded="grow"
    )

    assert handle.result(LIMIT_S) == "250 MB"
    assert handle.attempts == 2


def test_memory_that_other_programs_use_is_not_given_to_functions(cluster: Cluster, agents: Agents) -> None:
    all_mb = psutil.virtual_memory().total // 2**20
    agent = agents.start("a", "--watch-external", "--memory", str(all_mb))

    [node] = read_nodes(cluster.store)
    handle = cluster.enqueue("child_usage:hold_memory", 1, 0, cost={"memory": all_mb})

    # The kernel at least uses some.
    assert 0 < node.external["memory"] < all_mb
    assert (handle.status, handle.explain().holders[0]["kind"]) == ("waiting", "external")
    handle.cancel()
    # With the agent it goes, which is looked at when the test has ended.
    agent.process.terminate()
    agent.process.wait(LIMIT_S)


DRIVER = """#!/bin/sh
case "$1" in
    --query-gpu=index*) echo '0, GPU-a, 10000, Tesla T4' ;;
    --query-gpu*) echo 'GPU-a, 10000, 3000' ;;
    *) cat '{told}' ;;
esac
"""


@pytest.mark.skipif(not tells_processes_apart(), reason="the driver knows processes by other numbers here")
def test_memory_of_gpus_is_kept_for_others_and_enforced(
    cluster: Cluster, agents: Agents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool, told = tmp_path / "bin" / "nvidia-smi", tmp_path / "told"
    tool.parent.mkdir()
    told.write_text("")
    tool.write_text(DRIVER.format(told=told))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)
    agent = agents.start(
        "a", "--enforce", "--watch-external", "--gpu", "1", "--device-memory", "gpu=10000", "--path", TESTS
    )
    [node] = read_nodes(cluster.store)
    assert node.external == {"gpu_memory": 3000}

    liar = cluster.enqueue("child_usage:take_gpu_memory", str(told), 900, 60, cost={"gpu_memory": 100})

    with pytest.raises(MemoryExceeded) as caught:
        liar.result(LIMIT_S)
    assert (caught.value.resource, caught.value.declared, caught.value.used) == ("gpu_memory", 100, 900)
    agent.process.terminate()
    agent.process.wait(LIMIT_S)


def test_nobody_is_stopped_where_that_was_not_asked_for(command: list[str], cluster: Cluster, agents: Agents) -> None:
    agents.start("a", "--memory", "1000", "--path", TESTS, within=command)

    assert cluster.enqueue("child_usage:hold_memory", 250, 0.5, cost={"memory": 100}).result(LIMIT_S) == "250 MB"
