"""Functions that use memory, for the tests of children and of agents."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from handoff import current

MB = 2**20

_KEPT: list[bytearray] = []


def take_memory(mb: int) -> int:
    """Have so much, and give it back. -> the process that has had it"""
    _ = bytearray(b"x") * (mb * MB)
    return os.getpid()


def keep_memory(mb: int) -> None:
    """Have so much, and keep it in the process."""
    _KEPT.append(bytearray(b"x") * (mb * MB))


def hold_memory(mb: int, seconds: float) -> str:
    """Have so much for a while."""
    held = bytearray(b"x") * (mb * MB)
    time.sleep(seconds)
    return f"{len(held) // MB} MB"


def hold_memory_at_first(mb: int, seconds: float) -> str:
    """Have so much, in the first attempt for a while."""
    return hold_memory(mb, seconds if current().attempt == 1 else 0)


def take_gpu_memory(told: str, mb: int, seconds: float) -> None:
    """Have the pretended driver tell that this process has so much of a gpu."""
    Path(told).write_text(f"{os.getpid()}, GPU-a, {mb}\n")
    time.sleep(seconds)


def own_file(group: str, name: str) -> str:
    """Read what the kernel says of the control group of this process, which is below that one."""
    own = Path("/proc/self/cgroup").read_text().split("0::", 1)[1].strip()
    return (Path(group) / Path(own).name / name).read_text().strip()


def spin(group: str, seconds: float) -> int:
    """Use a processor for so long. -> in how many periods the group of this process had to wait meanwhile"""

    def waited() -> int:
        return int(dict(line.split() for line in own_file(group, "cpu.stat").splitlines())["nr_throttled"])

    before, until_s = waited(), time.process_time() + seconds
    while time.process_time() < until_s:
        pass
    return waited() - before


def lend_memory(mb: int, seconds: float) -> None:
    """Have a process below that has so much for a while."""
    subprocess.run([sys.executable, "-c", f"import time; held = b'x' * {mb * MB}; time.sleep({seconds})"], check=False)


def kept() -> int:
    """How many have been kept in this process."""
    return len(_KEPT)
