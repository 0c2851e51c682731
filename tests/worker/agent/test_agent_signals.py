"""How an agent begins, is told to end, dies, and is followed by another one under its name."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import agent_tasks
from child_tasks import alive
from handoff import Cluster, Handle, NodeLost
from handoff.local.server import RedisServer, any_port
from support.agent_processes import Agents
from support.books import assert_nothing_held, check_books
from support.events import await_event, newest, node_of
from support.gate import Gate
from support.processes import await_end, environment
from support.waiting import LIMIT_S, wait_until


@pytest.fixture
def cluster(server: RedisServer) -> Iterator[Cluster]:
    with Cluster(server.url, namespace=f"t{uuid.uuid4().hex[:12]}") as cluster:
        yield cluster
        check_books(cluster.store)
        assert_nothing_held(cluster.store)


@pytest.fixture
def agents(cluster: Cluster, server: RedisServer, tmp_path: Path) -> Iterator[Agents]:
    with Agents(cluster, server.url, tmp_path) as agents:
        yield agents
        check_books(cluster.store)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    (tmp_path / "gate").mkdir()
    gate = Gate(tmp_path / "gate", "a", "b")
    yield gate
    gate.close()


def assert_lost(handle: Handle, node: str) -> None:
    with pytest.raises(NodeLost) as caught:
        handle.result(LIMIT_S)
    assert caught.value.node == node


def run_agent(*arguments: str, url: str = "redis://127.0.0.1:1/0") -> subprocess.CompletedProcess[str]:
    """Run an agent that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "handoff_worker", *arguments],
        env={**environment(), "HANDOFF_REDIS_URL": url},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


# TERM, INT, TSTP.


def test_term_lets_what_runs_finish_and_hands_the_queue_to_another_node(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()
    agent.signal(signal.SIGSTOP)
    queued = cluster.enqueue(agent_tasks.where)
    agents.start("b")
    where_before = (queued.status, queued.node)

    agent.signal(signal.SIGTERM, signal.SIGCONT)

    assert queued.result(LIMIT_S) == "b"
    assert where_before == ("queued", "a")
    assert running.status == "started"
    family = agent.family()
    gate.open("a")
    assert running.result(LIMIT_S) == 7
    assert agent.wait() == 0
    await_end(family)
    assert list(cluster.discover_nodes()) == ["b"]
    assert agent.wrote() == ""


def test_a_node_that_was_told_to_end_takes_nothing_more(cluster: Cluster, agents: Agents, gate: Gate) -> None:
    agent = agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    agent.signal(signal.SIGTERM)
    wait_until(lambda: not cluster.resources_available("a", None), "the node takes no more")

    late = cluster.enqueue(agent_tasks.where)

    assert late.status == "waiting"
    gate.open("a")
    running.result(LIMIT_S)
    assert agent.wait() == 0
    agents.start("b")
    assert late.result(LIMIT_S) == "b"


def test_what_still_runs_when_the_grace_is_over_is_lost_or_tried_elsewhere(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a", "--grace", "0.2")
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    retried = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, max_retries=1)
    pids = [arrival.pid for arrival in gate.arrivals(2)]
    agents.start("b")

    agent.signal(signal.SIGTERM)

    assert_lost(lost, "a")
    assert gate.arrival().node == "b"
    gate.open("b")
    assert retried.result(LIMIT_S) == 7
    assert (lost.attempts, retried.attempts) == (1, 2)
    assert agent.wait() == 0
    assert not any(map(alive, pids))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_ends_the_agent_at_once_and_without_a_traceback(
    cluster: Cluster, agents: Agents, gate: Gate, number: int
) -> None:
    agent = agents.start("a", "--grace", "3600")
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    family = agent.family()
    agent.signal(number)
    wait_until(lambda: not cluster.resources_available("a", None), "the node takes no more")

    agent.signal(number)

    assert agent.wait() == 0
    await_end(family)
    assert_lost(handle, "a")
    assert cluster.discover_nodes() == {}
    assert agent.wrote() == ""


def test_a_quiet_node_finishes_what_it_runs_and_takes_again_when_told_to(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()
    agent.signal(signal.SIGTSTP)
    wait_until(lambda: not cluster.resources_available("a", None), "the node takes no more")

    waiting = cluster.enqueue(agent_tasks.where)
    gate.open("a")
    assert running.result(LIMIT_S) == 7
    meanwhile = (waiting.status, list(cluster.discover_nodes()))
    agent.signal(signal.SIGCONT)

    assert waiting.result(LIMIT_S) == "a"
    assert meanwhile == ("waiting", ["a"])


# A drain.


def test_what_still_runs_at_the_deadline_of_a_drain_is_lost_or_tried_elsewhere(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agents.start("a", lease=3600)
    nursery = cluster.enqueue(agent_tasks.parent).result(LIMIT_S)
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder, on_failure=agent_tasks.tell_failure)
    retried = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, max_retries=1)
    pids = [arrival.pid for arrival in gate.arrivals(2)]
    agents.start("b")

    cluster.drain("a", deadline=0.2)

    assert_lost(lost, "a")
    told = cluster.store.read("BLPOP", f"told:{lost.id}", 4)
    assert told[1].decode() == (
        f"a: OriginalUnavailable handoff.errors.NodeLost: node a was lost in a child of {nursery}"
    )
    assert gate.arrival().node == "b"
    gate.open("b")
    assert retried.result(LIMIT_S) == 7
    assert (lost.status, lost.attempts, retried.attempts) == ("failed", 1, 2)
    assert not any(map(alive, pids))
    assert cluster.store.read("LLEN", f"told:{lost.id}") == 0


def test_a_function_that_ends_before_the_deadline_of_a_drain_has_its_result(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agents.start("a")
    running = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7)
    gate.arrival()

    cluster.drain("a", deadline=3600)
    late = cluster.enqueue(agent_tasks.where)
    meanwhile = late.status
    gate.open("a")

    assert running.result(LIMIT_S) == 7
    assert meanwhile == "waiting"
    cluster.undrain("a")
    assert late.result(LIMIT_S) == "a"


def test_a_drain_outlives_the_agent_that_it_was_meant_for(cluster: Cluster, agents: Agents) -> None:
    first = agents.start("a")
    cluster.drain("a")
    first.signal(signal.SIGKILL)
    first.wait()
    agents.start("a")

    waiting = cluster.enqueue(agent_tasks.where)

    assert waiting.status == "waiting"
    cluster.undrain("a")
    assert waiting.result(LIMIT_S) == "a"


# Burst.


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


# What is said of a bad start.


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--cpu", "many"], "'many' is no number"),
        (["--cpu", "-1"], "cpu"),
        (["--resource", "fpga"], "'fpga' does not read NAME=AMOUNT"),
        (["--device-memory", "24000"], "'24000' does not read NAME=MB, such as gpu=24000"),
        (["--device-memory", "gpu=24G"], "'24G' is no number"),
        (["--device-memory", "fpga=64"], "no devices called fpga"),
        (["--gpu", "2", "--device-memory", "gpu=[1]"], "one amount for each of [0, 1]"),
        (["--gpu", "1", "--device-memory", "gpu=1", "--resource", "gpu_memory=1"], "'gpu_memory'"),
        (["--label", "zone"], "'zone' does not read NAME=VALUE, such as zone=a"),
        (["--label", "zone="], "give label 'zone'"),
        (["--label", "node=b"], "every node has the label node by itself"),
        (["--slots", "0"], "--slots is a whole number of at least 1"),
        (["--slots", "1.5"], "--slots is a whole number of at least 1"),
        (["--name", "a b"], "'a b'"),
        (["--namespace", "a.b"], "'a.b'"),
        (["--lease", "0.1"], "lease is 0.1"),
        (["--config", "/nowhere.toml"], "/nowhere.toml"),
        (["--url", "http://here"], "--url"),
        (["--frobnicate"], "--frobnicate"),
        (["surplus"], "surplus"),
    ],
)
def test_a_bad_argument_is_told_in_one_line_with_exit_code_2(arguments: list[str], said: str) -> None:
    ended = run_agent("--no-probe", *arguments)

    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert said in ended.stderr
    assert ended.stdout == ""


def test_an_unreachable_redis_is_told_in_one_line_with_exit_code_1() -> None:
    port = any_port()

    ended = run_agent("--no-probe", url=f"redis://127.0.0.1:{port}/0")

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert f"Redis at redis://127.0.0.1:{port}/0 is not available" in ended.stderr


def test_without_a_probe_a_node_has_what_it_is_given_and_nothing_else(cluster: Cluster, agents: Agents) -> None:
    agents.start(
        "a", "--resource", "fpga=[0,3]", "--resource", "license=0.5", "--device-memory", "fpga=[64,0.5]", cpu=1.5
    )

    assert cluster.tracker.capabilities("a") == {
        "cpu": 1.5, "fpga": 2, "fpga_memory": 64.5, "license": 0.5, "slots": 8,
    }  # fmt: skip


def test_a_node_has_the_labels_of_its_file_and_flags_win(cluster: Cluster, agents: Agents, tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text('[labels]\nzone = "a"\ntier = "spot"\n')

    agents.start("a", "--config", str(file), "--label", "zone=b (2)", "--label", "kind=x")

    where = {"zone": "b (2)", "tier": "spot", "kind": "x"}
    assert cluster.enqueue(agent_tasks.where, where=where).result(LIMIT_S) == "a"


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


@pytest.mark.parametrize("flags", [["--slots", "3"], ["--resource", "slots=3"]])
def test_slots_are_as_many_as_were_asked_for(cluster: Cluster, agents: Agents, flags: list[str]) -> None:
    agents.start("a", *flags)

    assert cluster.tracker.capabilities("a")["slots"] == 3


# Death, and what comes after it.


def test_an_agent_that_is_killed_leaves_no_process_and_its_functions_are_lost_or_tried_elsewhere(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a", lease=1)
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    retried = cluster.enqueue(agent_tasks.pass_gate, gate.folder, 7, max_retries=1)
    gate.arrivals(2)
    family = agent.family()
    agents.start("b")

    agent.signal(signal.SIGKILL)

    await_end(family)
    assert len(family) == 4
    assert_lost(lost, "a")
    assert gate.arrival().node == "b"
    gate.open("b")
    assert retried.result(LIMIT_S) == 7
    assert (lost.attempts, retried.attempts) == (1, 2)


def test_on_failure_of_a_function_that_was_lost_is_told_by_another_node(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a", lease=1)
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder, on_failure=agent_tasks.tell_failure)
    gate.arrival()
    agents.start("b")

    agent.signal(signal.SIGKILL)

    assert_lost(lost, "a")
    told = cluster.store.read("BLPOP", f"told:{lost.id}", 4)
    assert told[1].decode().startswith("b: ")
    assert "node a was lost" in told[1].decode()
    assert cluster.store.read("LLEN", f"told:{lost.id}") == 0


def test_an_agent_that_follows_a_dead_one_on_its_host_has_the_name_at_once(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    agent = agents.start("a", lease=3600)
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    agent.signal(signal.SIGKILL)
    agent.wait()
    queued = cluster.enqueue(agent_tasks.where)

    agents.start("a", lease=3600)

    assert_lost(lost, "a")
    assert queued.result(LIMIT_S) == "a"


def test_a_second_agent_waits_one_lease_and_then_names_who_has_the_name(cluster: Cluster, agents: Agents) -> None:
    first = agents.start("a", lease=1)

    second = agents.start("a", lease=1, wait=False)

    assert second.wait() == 1
    waiting, refused = second.wrote().splitlines()
    assert f"node a is held by process {first.process.pid} on {socket.gethostname()}; waiting" in waiting
    assert f"held by the agent with process id {first.process.pid} on host {socket.gethostname()}" in refused
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"


def test_a_second_agent_takes_over_if_the_first_one_dies_meanwhile(cluster: Cluster, agents: Agents) -> None:
    first = agents.start("a", lease=2)
    second = agents.start("a", lease=2, wait=False)
    wait_until(lambda: "is held by" in second.wrote(), "the second agent waits")
    after = newest(cluster)

    # A signal that is none of its end must not cut the waiting short.
    first.signal(signal.SIGKILL)
    second.signal(signal.SIGCONT)

    await_event(cluster, after, event="node", change="registered", node="a")
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"
    assert second.process.poll() is None


def test_an_agent_that_is_told_to_end_while_it_waits_for_its_name_leaves_nothing(
    cluster: Cluster, agents: Agents
) -> None:
    agents.start("a", lease=3600)
    second = agents.start("a", wait=False)
    wait_until(lambda: "is held by" in second.wrote(), "the second agent waits")
    family = second.family()

    second.signal(signal.SIGTERM)

    assert second.wait() == 0
    assert [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE] == []
    assert list(cluster.discover_nodes()) == ["a"]


def test_an_agent_takes_a_static_node_over_with_what_stands_on_it(cluster: Cluster, agents: Agents) -> None:
    cluster.register_node("a", {"cpu": 2})
    claim = cluster.tracker.request("a", {"cpu": 0.5})
    queued = cluster.enqueue(agent_tasks.where, cost={"cpu": 1})
    before = (queued.status, queued.node)

    agents.start("a", cpu=4)

    assert queued.result(LIMIT_S) == "a"
    assert before == ("queued", "a")
    assert cluster.tracker.available("a") == {"cpu": 3.5, "slots": 16}
    assert cluster.tracker.release(claim)


def test_a_deregistered_agent_ends_and_what_it_ran_is_lost(cluster: Cluster, agents: Agents, gate: Gate) -> None:
    agent = agents.start("a")
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    family = agent.family()

    cluster.deregister_node("a")

    assert_lost(handle, "a")
    assert agent.wait() == 0
    await_end(family)
    assert cluster.discover_nodes() == {}


def test_the_agents_of_a_local_cluster_end_with_the_process_that_started_them() -> None:
    program = """
import sys
from handoff import LocalCluster
local = LocalCluster(nodes={"a": {"cpu": 1}, "b": {"cpu": 1}})
with local:
    print(local.server.pid, *(agent.pid for agent in local.agents.values()), flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        started = [psutil.Process(int(pid)) for pid in process.stdout.readline().split()]
        family = [*started, *(child for each in started for child in each.children(recursive=True))]

        process.kill()

        assert len(started) == 3
        await_end(family)


# Cut off, and back.


def test_an_agent_that_comes_back_stops_what_it_lost_and_its_late_results_are_refused(
    cluster: Cluster, agents: Agents, gate: Gate, tmp_path: Path
) -> None:
    (tmp_path / "slow").mkdir()
    slow_gate = Gate(tmp_path / "slow", "a", "b")
    agent = agents.start("a", lease=1)
    slow = cluster.enqueue(agent_tasks.pass_gate, slow_gate.folder, "slow", max_retries=1)
    pid = slow_gate.arrival().pid
    late = cluster.enqueue(
        agent_tasks.pass_gate, gate.folder, "late", max_retries=1, on_success=agent_tasks.tell_result
    )
    gate.arrival()
    agents.start("b")

    agent.signal(signal.SIGSTOP)
    gate.open("a")
    told = cluster.store.read("BLPOP", f"told:{late.id}", 4)
    elsewhere = [gate.arrival().node, slow_gate.arrival().node]
    after = newest(cluster)
    agent.signal(signal.SIGCONT)
    await_event(cluster, after, event="node", change="registered", node="a")

    wait_until(lambda: not alive(pid), "the end of what the node had lost")
    assert told[1] == b"a: late"
    assert elsewhere == ["b", "b"]
    assert [late.status, slow.status] == ["started", "started"]
    gate.open("b")
    slow_gate.open("b")
    assert [late.result(LIMIT_S), slow.result(LIMIT_S)] == ["late", "slow"]
    assert [late.attempts, slow.attempts] == [2, 2]
    assert cluster.enqueue(agent_tasks.where, node="a").result(LIMIT_S) == "a"
    slow_gate.close()


def test_an_agent_that_comes_back_and_finds_another_in_its_place_ends_and_names_it(
    cluster: Cluster, agents: Agents, gate: Gate
) -> None:
    first = agents.start("a", lease=1)
    lost = cluster.enqueue(agent_tasks.pass_gate, gate.folder)
    gate.arrival()
    family = first.family()
    first.signal(signal.SIGSTOP)
    second = agents.start("a", lease=1)

    first.signal(signal.SIGCONT)

    assert first.wait() == 1
    await_end(family)
    assert f"held by the agent with process id {second.process.pid}" in first.wrote().splitlines()[-1]
    assert_lost(lost, "a")
    assert cluster.enqueue(agent_tasks.where).result(LIMIT_S) == "a"


def test_a_node_that_is_cut_off_is_not_given_more(cluster: Cluster, agents: Agents) -> None:
    agent = agents.start("a", "--label", "zone=a", lease=1)
    agent.signal(signal.SIGSTOP)
    await_event(cluster, event="node", change="registered", node="a")
    wait_until(lambda: node_of(cluster, "a").lease_ms == 0, "the end of the lease")

    handle = cluster.enqueue(agent_tasks.where, where={"zone": "a"})

    assert handle.verdict is not None
    assert handle.verdict.state == "infeasible"
    assert cluster.discover_nodes() == {}
    agent.signal(signal.SIGCONT)
    assert handle.result(LIMIT_S) == "a"
