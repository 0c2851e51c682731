"""What the load runs: functions with known answers that leave a trace of each start outside of Redis.

Imported by children on every node, so nothing of the campaign is imported here.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

STARTS, CLASHES = "starts", "clashes"
"""Files of the campaign's folder: one line per start, and one per device that was already somebody's."""


class Expected(Exception):
    """What a function raises that is to fail."""


def answer(number: int) -> int:
    """What `work` returns."""
    return 2 * number + 1


def work(folder: str, id: str, number: int, seconds: float) -> int:
    """Leave a line, take a while, and return the answer."""
    _note(folder, STARTS, id)
    time.sleep(seconds)
    return answer(number)


def hold(folder: str, id: str, number: int, seconds: float) -> int:
    """The same with whole gpus, each of which is locked meanwhile: that nobody else has it is looked at here too."""
    _note(folder, STARTS, id)
    node, visible = os.environ["HANDOFF_NODE"], os.environ["CUDA_VISIBLE_DEVICES"]
    locks = []
    for index in visible.split(","):
        file = os.open(Path(folder) / f"device.{node}.{index}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        locks.append(file)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _note(folder, CLASHES, f"{id} gpu {index} of {node}")
    time.sleep(seconds)
    for file in locks:
        os.close(file)
    return answer(number)


def grow(folder: str, id: str, number: int, value: bytes) -> bytes:
    """Return something large."""
    _note(folder, STARTS, id)
    return value * number


def fail(folder: str, id: str, number: int) -> None:
    """Fail as told."""
    _note(folder, STARTS, id)
    raise Expected(str(number))


def add(*numbers: int, plus: int, seconds: float) -> int:
    """A step of a graph."""
    time.sleep(seconds)
    return sum(numbers) + plus


def _note(folder: str, name: str, line: str) -> None:
    file = os.open(Path(folder) / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)
