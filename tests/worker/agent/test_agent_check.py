"""`handoff node --check` beside an agent, as probes call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from handoff import Cluster
from handoff.local.server import RedisServer
from support.agent_processes import Agents
from support.processes import environment
from support.waiting import LIMIT_S

CHECK = [sys.executable, "-m", "handoff_worker", "--check"]


def run(server: RedisServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    told = {**environment(), "HANDOFF_REDIS_URL": server.url}
    return subprocess.run([*CHECK, *arguments], env=told, capture_output=True, text=True, timeout=LIMIT_S)


@pytest.mark.slow
def test_it_tells_by_its_exit_code_whether_the_agent_that_is_named_runs(
    cluster: Cluster, agents: Agents, server: RedisServer, tmp_path: Path
) -> None:
    settings = tmp_path / "node.toml"
    settings.write_text(f'name = "a"\nnamespace = "{cluster.namespace}"\n', encoding="utf-8")
    before = run(server, "--config", str(settings))
    agents.start("a")

    while_it_runs = run(server, "--config", str(settings), "--json")
    unnamed = run(server, "--namespace", cluster.namespace)

    assert (before.returncode, before.stderr) == (1, "")
    assert before.stdout.startswith("node a is not registered")
    assert (while_it_runs.returncode, while_it_runs.stderr) == (0, "")
    told = json.loads(while_it_runs.stdout)
    assert set(told) == {"alive", "node", "state", "lease_s", "reason"}
    assert (told["alive"], told["node"], told["state"]) == (True, "a", "up")
    assert (unnamed.returncode, unnamed.stdout[:7]) == (0, "node a ")


@pytest.mark.parametrize("arguments", [["--name", "a/b"], ["--url", "localhost"], ["--config", "/does/not/exist"]])
def test_what_it_cannot_read_is_told_in_one_line(server: RedisServer, arguments: list[str]) -> None:
    done = run(server, *arguments)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
