"""Nothing is left of a cluster of one's own, however the program ends that started it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import redis

import local_tasks
from support.gate import Gate
from support.local import local_cluster
from support.processes import await_end, environment
from support.waiting import LIMIT_S


def takes_connections(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True, slots=True)
class Program:
    """`local_tasks` as it runs: its process, and all that it has started."""

    process: subprocess.Popen[str]
    port: int
    family: list[psutil.Process]

    def go(self) -> None:
        """Let it do what it was told to do."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def program_with(how: str, gate: Gate | None = None) -> Iterator[Program]:
    arguments = [how, gate.folder] if gate else [how]
    process = subprocess.Popen(
        [sys.executable, "-m", "local_tasks", *arguments],
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    family: list[psutil.Process] = []
    with process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            if gate:
                gate.arrivals(len(local_tasks.NODES))
            family += psutil.Process(process.pid).children(recursive=True)
            assert told["redis"] in [member.pid for member in family]
            yield Program(process, told["port"], family)
        finally:
            process.kill()
            for member in family:
                if member.is_running():
                    member.kill()


RETURN, RAISE = ("return", None, 0), ("raise", None, 1)
CTRL_C, TERM = ("wait", signal.SIGINT, -signal.SIGINT), ("wait", signal.SIGTERM, 128 + signal.SIGTERM)


# Of an idle one, leaving the block is tried below.
@pytest.mark.parametrize(
    ("how", "number", "code", "busy"),
    [
        pytest.param(*CTRL_C, False, id="Ctrl-C, idle"),
        pytest.param(*CTRL_C, True, id="Ctrl-C while functions run", marks=pytest.mark.slow),
        pytest.param(*TERM, True, id="TERM while functions run", marks=pytest.mark.slow),
        pytest.param(*RETURN, True, id="it leaves the block while functions run", marks=pytest.mark.slow),
        pytest.param(*RAISE, True, id="an exception leaves the block while functions run", marks=pytest.mark.slow),
    ],
)
def test_nothing_is_left_after(
    how: str, number: signal.Signals | None, code: int, busy: bool, folder: Path, gate: Gate
) -> None:
    with program_with(how, gate if busy else None) as program:
        assert len(list(folder.iterdir())) == 1

        program.go()
        if number is not None:
            program.process.send_signal(number)

        assert program.process.wait(LIMIT_S) == code
        await_end(program.family)
        assert not takes_connections(program.port)
        assert list(folder.iterdir()) == []


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "busy", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["idle", "while functions run"]
)
def test_no_process_is_left_after_kill_9(busy: bool, gate: Gate) -> None:
    with program_with("wait", gate if busy else None) as program:
        program.process.kill()

        await_end(program.family)
        assert not takes_connections(program.port)


@pytest.mark.slow
def test_leaving_the_block_ends_the_server_and_the_agents_of_this_process(folder: Path) -> None:
    local = local_cluster({"a": {"cpu": 1}})
    with local as cluster:
        url, port = local.server.url, local.server.port
        family = psutil.Process(local.agents["a"].pid).children(recursive=True)
        assert cluster.connection.ping()

    await_end(family)
    assert local.agents["a"].poll() is not None
    assert list(folder.iterdir()) == []
    assert not takes_connections(port)
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(url) as client:
        client.ping()


@pytest.mark.slow
def test_the_agents_of_a_local_cluster_end_with_the_process_that_started_them() -> None:
    program = """
import sys
from handoff import LocalCluster
local = LocalCluster({"a": {"cpu": 1}, "b": {"cpu": 1}}, lease=600)
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
