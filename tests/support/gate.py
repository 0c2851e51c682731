"""Where functions of a test stop until it lets them go on."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path
from typing import NamedTuple

from support.waiting import LIMIT_S


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

    def is_waited_at(self) -> bool:
        """Whether another function has arrived by now."""
        ready, _, _ = select.select([self._files["arrived"]], [], [], 0)
        return bool(ready or self._read)

    def open(self, node: str, count: int = 1) -> None:
        """Let `count` functions through on a node, which may have arrived already or not."""
        os.write(self._files[node], b"!" * count)

    def close(self) -> None:
        """Close the pipes; whoever still stands there passes."""
        for descriptor in self._files.values():
            os.close(descriptor)
