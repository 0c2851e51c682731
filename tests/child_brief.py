"""Functions that tests take for brief ones, whatever they do."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


def write_line(path: str) -> int:
    """Write down that it has begun. -> the process"""
    with open(path, "a") as file:
        file.write("begun\n")
    return os.getpid()


def wait_for(path: str) -> int:
    """Say where it has begun, and wait until somebody makes the file. -> the process"""
    begun = Path(f"{path}.begun")
    begun.with_suffix(".new").write_text(str(os.getpid()))
    begun.with_suffix(".new").rename(begun)
    while not Path(path).exists():
        time.sleep(0.01)
    return os.getpid()


def wait_and_spoil(path: str) -> int:
    """Wait, and leave a process that nobody can put right."""
    process = wait_for(path)
    sys.stdin.close()
    return process


def wait_and_leave(path: str) -> int:
    """Wait, and leave a process running."""
    process = wait_for(path)
    if os.fork() == 0:
        time.sleep(3600)
        os._exit(0)
    return process


def wait_and_exit(path: str) -> None:
    wait_for(path)
    os._exit(3)
