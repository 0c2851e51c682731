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


def lend_memory(mb: int, seconds: float) -> None:
    """Have a process below that has so much for a while."""
    subprocess.run([sys.executable, "-c", f"import time; held = b'x' * {mb * MB}; time.sleep({seconds})"], check=False)


def kept() -> int:
    """How many have been kept in this process."""
    return len(_KEPT)
