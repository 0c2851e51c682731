"""What each function uses of the process in which it runs: time of processors, and memory at its peak."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import time

MB = 2**20

_RSS_PER_MB = MB if sys.platform == "darwin" else 2**10
"""What `ru_maxrss` counts in: bytes on macOS, else kB."""

_STEP_MB = 1
"""By so much a peak may be above what is there without being forgotten: to forget one takes 10 us."""


class Meter:
    """Of functions one after the other.

    The kernel keeps the most memory that a process has had. Where that is more than the process has after a function,
    it is told to begin anew (Linux): so no function is blamed for the peak of one before it.
    """

    def __init__(self) -> None:
        #: MB that the process had at most while the function ran, what was kept of others included, with the largest of
        #: all processes that any has waited for, if it has; after a short one what was there when it was looked last.
        self.memory_mb = 0
        self._resident_mb = self._beside_mb = 0
        self._waited = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._begun_s = 0.0

    def begin(self) -> None:
        """A function begins."""
        self.memory_mb = self._resident_mb
        self._beside_mb = 0
        self._begun_s = time.process_time()

    def cpu_s(self, *, is_short: bool) -> float:
        """Seconds of processors since it began; a short one can have waited for no process that used any."""
        cpu_s = time.process_time() - self._begun_s
        if is_short:
            return cpu_s
        before, self._waited = self._waited, resource.getrusage(resource.RUSAGE_CHILDREN)
        if self._waited.ru_minflt != before.ru_minflt:
            # The kernel keeps the largest of all, and never forgets that.
            self._beside_mb = _peak_mb(self._waited)
        return cpu_s + _cpu_s(self._waited) - _cpu_s(before)

    def look(self, resident: int) -> None:
        """Look at the memory when it has ended; `resident` bytes are there."""
        peak_mb, self._resident_mb = _peak_mb(resource.getrusage(resource.RUSAGE_SELF)), -(-resident // MB)
        self.memory_mb = peak_mb + self._beside_mb
        if peak_mb > self._resident_mb + _STEP_MB:
            _forget_peak()


def _cpu_s(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


def _peak_mb(used: resource.struct_rusage) -> int:
    return -(-used.ru_maxrss // _RSS_PER_MB)


def _forget_peak() -> None:
    """Have the kernel begin anew: see clear_refs in proc(5). Where it does not, a peak is that of the process."""
    with contextlib.suppress(OSError):
        file = os.open("/proc/self/clear_refs", os.O_WRONLY)
        try:
            os.write(file, b"5")
        finally:
            os.close(file)
