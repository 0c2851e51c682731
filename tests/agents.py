"""Agents as processes of their own, for tests that stop, kill and start them; and what such tests wait on."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import psutil

from child_tasks import wait_until
from handoff.client.cluster import Cluster
from handoff.ledger.nodes import Node, read_nodes

LIMIT_S = 20.0
"""How long a test waits for anything before it fails."""


class Arrival(NamedTuple):
    """A function that stands at a gate."""

    pid: int
    node: str


class Gate:
    """Where `agent_tasks.pass_gate` stops: pipes in a folder, one to arrive at and one per node to be let through."""

    def __init__(self, folder: Path, *nodes: str) -> None:
        self.folder = str(folder)
        self._files = {}
        for name in ("arrived", *nodes):
            os.mkfifo(folder / name)
            # For both directions: neither end ever waits for the other to open it.
            self._files[name] = os.open(folder / name, os.O_RDWR)
        self._read = b""

    def arrivals(self, count: int = 1) -> list[Arrival]:
        """Wait until `count` more functions have arrived."""
        limit_s = time.monotonic() + LIMIT_S
        while (lines := self._read.count(b"\n")) < count:
            ready, _, _ = select.select([self._files["arrived"]], [], [], max(0.0, limit_s - time.monotonic()))
            assert ready, f"{lines} functions arrived, and not {count}"
            self._read += os.read(self._files["arrived"], 4096)
        *arrived, self._read = self._read.split(b"\n", count)
        return [Arrival(int(pid), node.decode()) for pid, node in (line.split() for line in arrived)]

    def arrival(self) -> Arrival:
        """Wait for the next function to arrive."""
        return self.arrivals()[0]

    def open(self, node: str, count: int = 1) -> None:
        """Let `count` functions through on a node, which may have arrived already or not."""
        os.write(self._files[node], b"!" * count)

    def close(self) -> None:
        """Close the pipes; whoever still stands there passes."""
        for descriptor in self._files.values():
            os.close(descriptor)


@dataclass(frozen=True)
class Agent:
    """One agent process; what it wrote is in `output`."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path

    def signal(self, *numbers: int) -> None:
        for number in numbers:
            self.process.send_signal(number)

    def family(self) -> list[psutil.Process]:
        """The agent, its nursery and all children."""
        mine = psutil.Process(self.process.pid)
        return [mine, *mine.children(recursive=True)]

    def wait(self) -> int:
        """Wait for its end. -> the exit code"""
        return self.process.wait(LIMIT_S)

    def wrote(self) -> str:
        return self.output.read_text()


@dataclass
class Agents:
    """Starts agents in the namespace of a cluster; all are ended, and their processes gone, when it is left."""

    cluster: Cluster
    url: str
    folder: Path
    started: list[Agent] = field(default_factory=list)

    def start(
        self, name: str, *flags: str, cpu: float = 2, lease: float = 6.0, wait: bool = True, probe: bool = False
    ) -> Agent:
        """Start the agent of a node, and wait until it has registered."""
        after = newest(self.cluster)
        output = self.folder / f"{len(self.started)}.{name}.txt"
        arguments = ["--name", name, "--namespace", self.cluster.namespace, "--cpu", str(cpu), "--lease", str(lease)]
        if not probe:
            arguments.append("--no-probe")
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "handoff_worker", *arguments, *flags],
                env={**environment(), "HANDOFF_REDIS_URL": self.url, "HANDOFF_LOG_LEVEL": "WARNING"},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(Agent(name, process, output))
        if wait:
            await_event(self.cluster, after, event="node", change="registered", kind="leased", node=name)
        return self.started[-1]

    def stop(self) -> None:
        """End all agents at once, as a second TERM does, whatever state they are in."""
        families = []
        for agent in self.started:
            if agent.process.poll() is None:
                families += agent.family()
                agent.signal(signal.SIGTERM, signal.SIGTERM, signal.SIGCONT)
        for agent in self.started:
            try:
                agent.wait()
            except subprocess.TimeoutExpired:
                agent.process.kill()
                agent.process.wait()
                raise
        await_end(families)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def environment() -> dict[str, str]:
    """What a program of these tests is started with: it imports what this process does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path)}


def await_end(processes: list[psutil.Process]) -> None:
    """Wait until none of these processes is left."""
    wait_until(lambda: not any(map(_runs, processes)), f"the end of {processes}")


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def newest(cluster: Cluster) -> bytes:
    """The id of the newest event."""
    last = b"0-0"
    while events := cluster.events(last):
        last = events[-1][0]
    return last


def await_event(
    cluster: Cluster, after: bytes = b"0-0", of: str = "", **fields: str
) -> tuple[bytes, Mapping[str, str]]:
    """Wait for an event that has these fields, the first after an id; with `of`, of a reservation of that job."""
    limit_s = time.monotonic() + LIMIT_S
    while time.monotonic() < limit_s:
        for id, event in cluster.events(after, block_s=1.0):
            after = id
            if fields.items() <= event.items() and (not of or event.get("id", "").rpartition(":")[0] == of):
                return id, event
    raise AssertionError(f"no event {fields} within {LIMIT_S:g} s")


def exchanges(cluster: Cluster, node: str) -> int:
    """How often the node's agent has delivered and looked for more, which it does twice a second at least."""
    return int(cluster.store.read("HGET", cluster.store.keys("node", node), "op") or 0)


def node_of(cluster: Cluster, name: str) -> Node:
    """The books of one node."""
    (node,) = read_nodes(cluster.store, name)
    return node
