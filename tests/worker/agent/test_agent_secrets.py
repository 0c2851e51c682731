"""The password of Redis, and what functions are called with, stand nowhere that others read."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

import agent_tasks
from handoff import DAG, Cluster, Function, HandoffError
from handoff.local.server import RedisServer
from support.agent_processes import Agent, Agents
from support.command_line import handoff
from support.gate import Gate
from support.processes import environment
from support.refused_starts import refused_here
from support.waiting import LIMIT_S

ARGUMENT = "an-argument-that-is-secret"


@pytest.fixture
def redis_server(own_server: RedisServer) -> RedisServer:
    """Of which all is looked at."""
    return own_server


def password_of(server: RedisServer) -> str:
    return urlsplit(server.url).password or ""


def command_lines(agent: Agent) -> str:
    found = []
    for process in agent.family():
        with contextlib.suppress(psutil.Error, OSError):
            found.append(Path(f"/proc/{process.pid}/cmdline").read_bytes().decode(errors="replace"))
    return "\n".join(found)


def stored(server: RedisServer) -> bytes:
    """All that Redis has, as it is."""
    with Cluster(server.url) as cluster:
        client: Any = cluster.connection
        # As text: what is compressed could not be searched.
        client.config_set("rdbcompression", "no")
        return b"\n".join(key + (client.dump(key) or b"") for key in client.scan_iter())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process write over its arguments")
def test_an_address_on_the_command_line_is_hidden_from_other_users_and_stands_in_no_log(
    agents: Agents, cluster: Cluster, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = password_of(redis_server)
    agents.url = "redis://127.0.0.1:1/0"
    monkeypatch.setenv("HANDOFF_LOG_LEVEL", "DEBUG")

    agent = agents.start("a", "--url", redis_server.url, "--label", "zone=b")

    assert cluster.enqueue(agent_tasks.echo, 5).result(LIMIT_S) == 5
    for bad in (
        lambda: cluster.enqueue(agent_tasks.fail, "no", max_retries=0, on_failure=agent_tasks.tell_failure_of_the_call),
        lambda: cluster.enqueue("no.such:function"),
        lambda: cluster.submit_dag(DAG().add(Function("f", agent_tasks.fail, extra_args=["no"])), max_retries=0),
    ):
        with contextlib.suppress(HandoffError):
            bad().result(LIMIT_S)
    shown = command_lines(agent)
    assert f"handoff node a ({cluster.namespace})" in shown
    assert secret not in shown
    assert secret not in agent.wrote()
    assert secret.encode() not in stored(redis_server)


def test_the_log_tells_what_a_deadline_costs_without_the_arguments(
    agents: Agents, cluster: Cluster, gate: Gate
) -> None:
    agent = agents.start("a", "--grace", "0.2")
    handle = cluster.enqueue(agent_tasks.pass_gate, gate.folder, ARGUMENT)
    gate.arrival()

    agent.process.terminate()
    agent.wait()

    assert handle.id in agent.wrote()
    assert ARGUMENT not in agent.wrote()


@pytest.fixture
def wrong_url(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address with a password that is refused; where nothing is said it counts."""
    url = f"redis://:s3cr3t@127.0.0.1:{server.port}/0"
    monkeypatch.setenv("HANDOFF_REDIS_URL", url)
    return url


@pytest.mark.parametrize(
    "arguments",
    [["nodes"], ["nodes", "--json"], ["nodes", "{}"], ["{}"], ["status", "{}", "--json"], ["--url", "{}", "nodes"],
     ["run", "a:b", "--url", "{}"], ["doctor"], ["doctor", "--fix", "--json"], ["runs"], ["drain", "{}"]],
    ids=" ".join,
)  # fmt: skip
def test_no_command_says_the_password(wrong_url: str, arguments: list[str]) -> None:
    ended = handoff(*(each.format(wrong_url) for each in arguments))

    assert ended.exit_code in (1, 2)
    assert ended.output
    assert "s3cr3t" not in ended.output


@pytest.mark.parametrize("arguments", [["{}"], ["--cpu", "{}"], ["--url", "{}?db=x", "--no-probe"]], ids=" ".join)
def test_an_agent_that_refuses_its_arguments_does_not_say_the_password(wrong_url: str, arguments: list[str]) -> None:
    ended = refused_here(*(each.format(wrong_url) for each in arguments), url=wrong_url)

    assert ended.returncode == 2
    assert ended.stderr
    assert "s3cr3t" not in ended.stdout + ended.stderr


def test_an_agent_that_redis_refuses_does_not_say_the_password(wrong_url: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "handoff", "node", "--no-probe", "--wait", "0", "--url", wrong_url],
        env=environment(), capture_output=True, text=True, timeout=LIMIT_S,
    )  # fmt: skip

    assert ended.returncode == 1
    assert ended.stderr
    assert "s3cr3t" not in ended.stdout + ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process write over its arguments")
def test_a_command_that_waits_shows_no_password_either(
    agents: Agents, cluster: Cluster, redis_server: RedisServer
) -> None:
    command = [sys.executable, "-m", "handoff", "run", "a:b", "--url", redis_server.url]
    with subprocess.Popen(
        [*command, "--namespace", cluster.namespace], env=environment(), stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stderr is not None
        assert "function" in waiting.stderr.readline()
        shown = Path(f"/proc/{waiting.pid}/cmdline").read_bytes().decode()
        waiting.kill()

    assert "a:b" in shown
    assert password_of(redis_server) not in shown
    for handle in cluster.connection.scan_iter(match=f"{cluster.store.keys('rq_job', '')}*"):
        cluster.handle(handle.decode().rpartition(":")[2]).cancel()
