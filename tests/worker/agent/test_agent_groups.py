"""Agents that keep functions to memory and processors by control groups, where the host lets them.

`HANDOFF_TEST_GROUP` names a group for that: see support/control_groups.py.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from handoff import Cluster, FunctionFailed, MemoryExceeded
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.children import TESTS
from support.control_groups import own_group, within
from support.processes import environment
from support.waiting import LIMIT_S

MB = 2**20


@pytest.fixture
def group() -> Iterator[Path]:
    with own_group() as group:
        yield group


# In this order: the agents are gone before their group is looked at.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("group", "agents")]


def start(agents: Agents, group: Path, *flags: str) -> None:
    agents.start("a", *(flags or ["--enforce"]), "--memory", "1000", "--path", TESTS, within=within(group))


def test_a_warm_child_may_have_what_the_function_that_it_runs_has_declared(
    group: Path, cluster: Cluster, agents: Agents
) -> None:
    start(agents, group)

    def pid_with(mb: int, declared: int) -> int:
        pid: int = cluster.enqueue("child_usage:take_memory", mb, cost={"memory": declared}).result(LIMIT_S)
        return pid

    little, much = pid_with(30, 100), pid_with(350, 400)

    with pytest.raises(MemoryExceeded) as caught:
        pid_with(350, 100)
    assert little == much
    assert (caught.value.declared, caught.value.used) == (100, 164)
    assert pid_with(30, 100) != much


def test_processes_below_count_and_what_declares_nothing_is_left_alone(
    group: Path, cluster: Cluster, agents: Agents
) -> None:
    start(agents, group)

    lends = cluster.enqueue("child_usage:lend_memory", 250, 1, cost={"memory": 100})
    undeclared = cluster.enqueue("child_usage:hold_memory", 250, 0.1)

    with pytest.raises(MemoryExceeded):
        lends.result(LIMIT_S)
    assert undeclared.result(LIMIT_S) == "250 MB"


def test_a_child_that_has_kept_more_than_a_function_may_have_is_not_given_it(
    group: Path, cluster: Cluster, agents: Agents
) -> None:
    start(agents, group)
    cluster.enqueue("child_usage:keep_memory", 200, cost={"memory": 300}).result(LIMIT_S)

    there = cluster.enqueue("child_usage:kept", cost={"memory": 300}).result(LIMIT_S)
    elsewhere = cluster.enqueue("child_usage:kept", cost={"memory": 50}).result(LIMIT_S)

    assert (there, elsewhere) == (1, 0)


def test_who_dies_because_the_host_is_short_has_not_used_too_much(
    group: Path, cluster: Cluster, agents: Agents
) -> None:
    start(agents, group)
    cluster.enqueue("child_usage:kept", cost={"memory": 500}).result(LIMIT_S)
    (group / "memory.max").write_text(str(200 * MB))

    with pytest.raises(FunctionFailed) as caught:
        cluster.enqueue("child_usage:hold_memory", 400, 1, cost={"memory": 500}).result(LIMIT_S)

    assert (caught.value.exception_type, "signal 9" in caught.value.message) == ("handoff.ChildDied", True)


def test_brief_functions_of_many_costs_all_run(group: Path, cluster: Cluster, agents: Agents) -> None:
    start(agents, group)

    handles = [cluster.enqueue("child_usage:kept", cost={"memory": 10 + number % 7}) for number in range(200)]

    assert cluster.gather(handles, timeout=LIMIT_S) == [0] * 200


def test_a_child_has_so_much_of_processors_as_the_function_that_it_runs_has_declared(
    group: Path, cluster: Cluster, agents: Agents
) -> None:
    start(agents, group, "--enforce-cpu")

    def cpu_max(**cost: float) -> str:
        told: str = cluster.enqueue("child_usage:own_file", str(group), "cpu.max", cost=cost).result(LIMIT_S)
        return told

    assert [cpu_max(cpu=0.5), cpu_max(cpu=0.25), cpu_max(cpu=0)] == ["50000 100000", "25000 100000", "max 100000"]


def test_what_uses_more_of_processors_than_it_has_declared_waits_for_the_next_period(
    group: Path, cluster: Cluster, agents: Agents
) -> None:
    start(agents, group, "--enforce", "--enforce-cpu")

    throttled, free = (cluster.enqueue("child_usage:spin", str(group), 0.3, cost={"cpu": cpu}) for cpu in (0.1, 0))

    assert throttled.result(LIMIT_S) > 0
    assert free.result(LIMIT_S) == 0


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        (["--enforce"], "the memory"),
        (["--enforce-cpu"], "the cpu"),
        (["--enforce", "--enforce-cpu"], "the memory and the cpu"),
    ],
)
def test_a_probe_says_what_control_groups_keep_functions_to(
    group: Path, cluster: Cluster, agents: Agents, server: RedisServer, flags: list[str], kept: str
) -> None:
    start(agents, group, *flags)

    told = subprocess.run(
        [sys.executable, "-m", "handoff_worker", "--check", "--name", "a", "--namespace", cluster.namespace],
        env={**environment(), "HANDOFF_REDIS_URL": server.url}, capture_output=True, text=True, timeout=LIMIT_S,
    )  # fmt: skip

    assert f"control groups keep functions to {kept} that they have declared" in told.stdout


def test_where_others_stand_in_its_group_they_are_watched(group: Path, cluster: Cluster, agents: Agents) -> None:
    with subprocess.Popen([*within(group), "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        other.stdin.write(b"\n")
        other.stdin.flush()
        other.stdout.read(1)
        start(agents, group)
        other.communicate()

    with pytest.raises(MemoryExceeded):
        cluster.enqueue("child_usage:hold_memory", 250, 60, cost={"memory": 100}).result(LIMIT_S)
