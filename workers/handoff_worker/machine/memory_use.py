"""How much memory a process and all below it have, read without their help."""

from __future__ import annotations

import os

import psutil

MB = 2**20

_PAGE = os.sysconf("SC_PAGE_SIZE")


def tree(pid: int) -> list[int]:
    """The process and all that are below it; [] where it is gone."""
    found, unseen = [], [pid]
    while unseen:
        each = unseen.pop()
        try:
            unseen += _children(each)
        except (OSError, psutil.Error):
            continue
        found.append(each)
    return found


def _children(pid: int) -> list[int]:
    threads = f"/proc/{pid}/task"
    try:
        return [int(word) for each in os.listdir(threads) for word in _read(f"{threads}/{each}/children").split()]
    except (FileNotFoundError, ProcessLookupError):
        # Not Linux, a kernel that does not list them, or a thread that has just ended.
        return [child.pid for child in psutil.Process(pid).children()]


def resident(pids: list[int]) -> int:
    """Bytes that are resident in these, what they share counted in each. It costs some 10 us for each."""
    return sum(_resident(pid) for pid in pids)


def _resident(pid: int) -> int:
    try:
        return int(_read(f"/proc/{pid}/statm").split()[1]) * _PAGE
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
        lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
    except OSError:
        return _resident(pid)
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(b"Pss:")), 0)


def _read(path: str) -> bytes:
    """Read a file of the kernel: open() takes twice as long."""
    file = os.open(path, os.O_RDONLY)
    try:
        parts = []
        while part := os.read(file, 2**16):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(file)
