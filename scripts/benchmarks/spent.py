"""The time of processors that a process has used."""

from __future__ import annotations

import sys
import time

import psutil

_BY_SCHEDULER = 2
"""Of the clocks of a process the one that goes by what the scheduler gave it: see clock_getcpuclockid(3)."""


def cpu_s(process: psutil.Process) -> float:
    """Seconds of all its threads so far; on Linux to the nanosecond, elsewhere as the system counts, in hundredths."""
    if sys.platform == "linux":
        return time.clock_gettime(~process.pid << 3 | _BY_SCHEDULER)
    spent = process.cpu_times()
    return float(spent.user + spent.system)


def reaped_s(process: psutil.Process) -> float:
    """The same of all children that have ended and that it has waited for, in hundredths."""
    spent = process.cpu_times()
    return float(spent.children_user + spent.children_system)
