"""Processes that tests start, and how one waits for their end."""

from __future__ import annotations

import os
import signal
import sys

import psutil

from support.waiting import wait_until


def environment() -> dict[str, str]:
    """What a program of these tests is started with: it imports what this process does."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path)}


def freeze(pid: int) -> None:
    """Let a process stand still, until CONT; returns when it does."""
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, f"process {pid} stands still")


def await_end(processes: list[psutil.Process]) -> None:
    """Wait until none of these processes is left."""
    wait_until(lambda: not any(map(_runs, processes)), f"the end of {processes}")


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
