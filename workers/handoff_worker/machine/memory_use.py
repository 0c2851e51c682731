"""How much memory a process and all below it have, read without their help."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

MB = 2**20

_PAGE = os.sysconf("SC_PAGE_SIZE")

_PROC = Path("/proc")


def tree(pid: int) -> list[int]:
    """The process and all that are below it; [] where it is gone."""
    found, unseen = [], [pid]
    while unseen:
        found.append(each := unseen.pop())
        try:
            unseen += _children(each)
        except (OSError, psutil.Error):
            found.remove(each)
    return found


def _children(pid: int) -> list[int]:
    threads = _PROC / str(pid) / "task"
    if not (threads / str(pid) / "children").exists():
        # Not Linux, or a kernel that does not list them.
        return [child.pid for child in psutil.Process(pid).children()]
    return [int(word) for thread in threads.iterdir() for word in (thread / "children").read_bytes().split()]


def resident(pids: list[int]) -> int:
    """Bytes that are resident in these, what they share counted in each. It costs some 10 us for each."""
    return sum(_resident(pid) for pid in pids)


def _resident(pid: int) -> int:
    try:
        return int((_PROC / str(pid) / "statm").read_bytes().split()[1]) * _PAGE
    except FileNotFoundError:
        return _by_psutil(pid)
    except (ProcessLookupError, PermissionError, IndexError):
        return 0


def _by_psutil(pid: int) -> int:
    try:
        return psutil.Process(pid).memory_info().rss
    except (OSError, psutil.Error):
        return 0


def proportional(pids: list[int]) -> int:
    """The same, of what several share to each its part: some 5 ms for a GB, for the kernel looks at each page.

    Where the kernel does not tell it, what is resident.
    """
    return sum(_proportional(pid) for pid in pids)


def _proportional(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return _resident(pid)
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
