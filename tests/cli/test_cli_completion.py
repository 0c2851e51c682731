"""What a shell is offered for words that are half typed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from handoff.cli import main
from handoff.cli.completion import SHELLS
from handoff.client.cluster import Cluster
from handoff.local.server import RedisServer
from support.command_line import handoff
from support.processes import environment
from support.waiting import LIMIT_S

Offered = Callable[..., list[str]]


def offered_at(*words: str) -> list[str]:
    """What is offered for the last of these words, as a shell asks."""
    asked = {
        "_HANDOFF_COMPLETE": "bash_complete",
        "COMP_CWORD": str(len(words)),
        "COMP_WORDS": " ".join(["handoff", *words]),
    }
    result = CliRunner().invoke(main, [], prog_name="handoff", env=asked)
    assert (result.exit_code, result.stderr) == (0, "")
    return [line.removeprefix("plain,") for line in result.stdout.splitlines() if line]


@pytest.fixture
def offered(server: RedisServer, cluster: Cluster) -> Offered:
    """What is offered in the namespace of the test."""
    return lambda *words: offered_at("--url", server.url, "--namespace", cluster.namespace, *words)


def test_commands_and_options_are_offered() -> None:
    assert offered_at("do") == ["doctor"]
    assert offered_at("nodes", "--na") == ["--namespace"]
    assert offered_at("run", "--isolation", "f") == ["fresh"]


def test_ids_of_functions_are_offered_by_how_they_begin(offered: Offered, cluster: Cluster) -> None:
    for id in ("train-1", "train-2", "score-1"):
        cluster.enqueue("tasks:f", job_id=id)

    assert sorted(offered("explain", "tr")) == ["train-1", "train-2"]
    assert sorted(offered("status", "")) == ["score-1", "train-1", "train-2"]
    assert offered("cancel", "train-1", "sc") == ["score-1"]


def test_what_has_ended_is_offered_to_retry_and_not_to_cancel(offered: Offered, cluster: Cluster) -> None:
    cluster.enqueue("tasks:f", job_id="open")
    cluster.enqueue("tasks:f", job_id="ended").cancel()

    assert (offered("retry", ""), offered("cancel", "")) == (["ended"], ["open"])


@pytest.mark.parametrize("words", [["drain"], ["undrain"], ["jobs", "--node"], ["run", "--node"], ["retry", "--node"]])
def test_names_of_nodes_are_offered(offered: Offered, cluster: Cluster, words: list[str]) -> None:
    cluster.register_node("gpu-1", {"cpu": 1})
    cluster.register_node("cpu-1", {"cpu": 1})

    assert offered(*words, "gp") == ["gpu-1"]


def test_while_redis_is_away_nothing_is_offered_and_nothing_said(closed_url: str) -> None:
    assert offered_at("--url", closed_url, "explain", "") == []
    assert offered_at("--url", "nonsense", "drain", "") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_is_given_what_it_reads(shell: str) -> None:
    result = handoff("completion", shell)

    assert result.exit_code == 0
    assert f"_HANDOFF_COMPLETE={shell}_complete" in result.stdout
    assert json.loads(handoff("completion", shell, "--json").stdout) == result.stdout.removesuffix("\n")


@pytest.mark.slow
def test_a_bash_that_has_read_it_completes_a_command(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed here")
    # What the shell calls, by the name that is completed.
    program = tmp_path / "handoff"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m handoff "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    asks = 'COMP_WORDS=(handoff doc); COMP_CWORD=1; _handoff_completion handoff; echo "${COMPREPLY[@]}"'
    script = f'eval "$(handoff completion bash)"; {asks}'

    told = environment() | {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run([bash, "--norc", "-c", script], env=told, capture_output=True, text=True, timeout=LIMIT_S)

    assert (done.stdout, done.stderr) == ("doctor\n", "")
