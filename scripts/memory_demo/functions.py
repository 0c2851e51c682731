"""What runs on the node of the demo."""

from __future__ import annotations

import fcntl
import signal
from pathlib import Path

import handoff

MB = 2**20

PARTS = 20
"""It is told how far they are so many times."""


def neighbour(mb: int, gate: str, last: int) -> int:
    """Take less than was declared."""
    return _work(mb, gate, last)


def liar(mb: int, gate: str, last: int) -> int:
    """Take more than was declared."""
    return _work(mb, gate, last)


def _work(mb: int, gate: str, last: int) -> int:
    """Take so much memory, and go home once nobody keeps the gate locked; before attempt `last` never. -> MB"""
    held = []
    for part in range(1, PARTS + 1):
        held.append(b"x" * (mb * MB // PARTS))
        handoff.current().progress(part / PARTS, f"has {mb * part // PARTS} of {mb} MB")
    if handoff.current().attempt < last:
        signal.pause()
    with Path(gate).open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
    return sum(map(len, held)) // MB
