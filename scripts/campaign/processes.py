"""Processes that the campaign starts, and their families: whoever dies, none is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from campaign.servers import wait_until


def start(module: str, arguments: Iterable[object], output: Path, variables: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a Python program that imports what this process does."""
    imports = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)
    with output.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", module, *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": imports, **variables},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


@dataclass(frozen=True)
class Agent:
    """One life of the agent of a node."""

    node: str
    process: subprocess.Popen[bytes]
    output: Path

    @property
    def is_there(self) -> bool:
        return self.process.poll() is None

    def nursery(self) -> psutil.Process | None:
        """The process that forks the children; None where it is being replaced."""
        return next(iter(_children(self.process.pid)), None)

    def children(self) -> list[psutil.Process]:
        """Those that run functions."""
        nursery = self.nursery()
        return _children(nursery.pid) if nursery else []

    def family(self) -> list[psutil.Process]:
        """All of them, the agent first."""
        with contextlib.suppress(psutil.NoSuchProcess):
            mine = psutil.Process(self.process.pid)
            return [mine, *mine.children(recursive=True)]
        return []


def _children(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children())
    return []


def send(number: int, processes: Iterable[psutil.Process]) -> None:
    """Send a signal to those of them that are still there."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def end(families: list[psutil.Process]) -> None:
    """Kill all of them, and wait until none is left."""
    send(signal.SIGKILL, families)
    wait_until(lambda: not any(_runs(process) for process in families), "the end of all processes")


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def said(outputs: Iterable[Path], words: Iterable[str]) -> Iterator[str]:
    """Lines of outputs in which one of these words stands, with the name of the file."""
    for output in outputs:
        for line in output.read_text(errors="replace").splitlines():
            if any(word in line for word in words):
                yield f"{output.name}: {line}"
