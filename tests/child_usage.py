"""Functions that use memory, for the tests of children and of agents."""

from __future__ import annotations

import subprocess
import sys
import time

MB = 2**20

_KEPT: list[bytearray] = []


def take_memory(mb: int) -> None:
    """Have so much, and give it back."""
    _ = bytearray(b"x") * (mb * MB)


def keep_memory(mb: int) -> None:
    """Have so much, and keep it in the process."""
    _KEPT.append(bytearray(b"x") * (mb * MB))


def hold_memory(mb: int, seconds: float) -> str:
    """Have so much for a while."""
    held = bytearray(b"x") * (mb * MB)
    time.sleep(seconds)
    return f"{len(held) // MB} MB"


def lend_memory(mb: int, seconds: float) -> None:
    """Have a process below that has so much for a while."""
    subprocess.run([sys.executable, "-c", f"import time; held = b'x' * {mb * MB}; time.sleep({seconds})"], check=False)


def kept() -> int:
    """How many have been kept in this process."""
    return len(_KEPT)
