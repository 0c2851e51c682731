"""Agents as processes of their own, for tests that stop, kill and start them."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from handoff.client.cluster import Cluster
from support.clock import Clock
from support.deadlines import LEASE_S
from support.events import await_event, newest
from support.processes import await_end, environment, freeze
from support.waiting import LIMIT_S


@dataclass(frozen=True)
class Agent:
    """One agent process; what it wrote is in `output`."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path

    def signal(self, *numbers: int) -> None:
        for number in numbers:
            self.process.send_signal(number)

    def freeze(self) -> None:
        """Let it stand still, until CONT; returns when it does."""
        freeze(self.process.pid)

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
        self,
        name: str,
        *flags: str,
        cpu: float = 2,
        lease: float = LEASE_S,
        wait: bool = True,
        probe: bool = False,
        clock: Clock | None = None,
        open_files: tuple[int, int] | None = None,
        full: Path | None = None,
        folder: Path | None = None,
        version: dict[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> Agent:
        """Start the agent of a node, and wait until it has registered; with a clock it waits by that for its name.

        `open_files`: its limits, the soft one and the hard one. While `full` exists, no child can be started.
        `folder`: where it is started.
        `version`: the environment of another one (support/versions).
        `within`: what begins the command line of what runs on another host (support/hosts).
        """
        arguments = ["--name", name, "--namespace", self.cluster.namespace, "--cpu", str(cpu), "--lease", str(lease)]
        program = ["clocked_agent", clock.folder] if clock else ["handoff_worker"]
        if full:
            program = ["forkless_agent", str(full)]
        if not probe:
            arguments.append("--no-probe")
        command = [*within, sys.executable, "-m", *program, *arguments, *flags]
        return self.start_by(name, command, wait=wait, open_files=open_files, folder=folder, version=version)

    def start_by(
        self,
        name: str,
        command: Sequence[str],
        *,
        wait: bool = True,
        open_files: tuple[int, int] | None = None,
        folder: Path | None = None,
        version: dict[str, str] | None = None,
    ) -> Agent:
        """As `start`, by a command line that says all there is to say but the address of Redis."""
        after = newest(self.cluster) if wait else b""
        output = self.folder / f"{len(self.started)}.{name}.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                command,
                env={**(version or environment()), "HANDOFF_REDIS_URL": self.url, "HANDOFF_LOG_LEVEL": "WARNING"},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=partial(resource.setrlimit, resource.RLIMIT_NOFILE, open_files) if open_files else None,
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
