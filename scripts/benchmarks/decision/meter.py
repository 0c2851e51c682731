"""The server's own time for every single call of a script, and what is said of many of them.

Taken from `usec` of cmdstat_fcall, or cmdstat_evalsha, before and after each call: exact, in whole microseconds, and
their mean is the `usec_per_call` of INFO commandstats. SLOWLOG knows single calls too, but with a threshold of 0 Redis
8 logs every command inside a script as well, which made the scripts 18 % slower; with a higher one it misses the fast
ones.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

import redis

T = TypeVar("T")


class Times:
    """Microseconds of calls of one kind, in runs."""

    def __init__(self) -> None:
        self._runs: dict[int, list[int]] = defaultdict(list)

    def add(self, run: int, us: int) -> None:
        """Note one call."""
        self._runs[run].append(us)

    def count(self, run: int) -> int:
        """How many calls of that run were noted."""
        return len(self._runs[run])

    def is_in_all(self, runs: int) -> bool:
        """Whether each of so many runs noted a call."""
        return len(self._in_order()) == runs

    def p50(self) -> list[float]:
        """The median of each run."""
        return [percentile(calls, 0.50) for calls in self._in_order()]

    def p99(self) -> list[float]:
        """What 99 of 100 calls of each run did not pass."""
        return [percentile(calls, 0.99) for calls in self._in_order()]

    def mean(self) -> list[float]:
        """What commandstats would say of each run."""
        return [sum(calls) / len(calls) for calls in self._in_order()]

    def _in_order(self) -> list[list[int]]:
        return [self._runs[run] for run in sorted(self._runs) if self._runs[run]]


class Meter:
    """Reads one server's statistics around calls that nobody else makes meanwhile."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def time(self, call: Callable[[], T]) -> tuple[T, int]:
        """Make exactly one call of a script. -> what it answered, and its microseconds"""
        calls, spent = self._read()
        answer = call()
        calls_after, spent_after = self._read()
        if calls_after != calls + 1:
            raise AssertionError(f"{calls_after - calls} calls of scripts where one was to be timed")
        return answer, spent_after - spent

    def _read(self) -> tuple[int, int]:
        statistics = self._client.info("commandstats")
        rows = [statistics[name] for name in ("cmdstat_fcall", "cmdstat_evalsha") if name in statistics]
        return sum(row["calls"] for row in rows), sum(row["usec"] for row in rows)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them, above 0 to 1, does not pass."""
    return float(sorted(values)[math.ceil(share * len(values)) - 1])
