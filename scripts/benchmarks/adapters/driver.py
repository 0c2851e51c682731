"""`python -m benchmarks.adapters.driver ADAPTER`: one adapter, driven by lines of JSON.

A line names a verb and how many; the answer is a line of figures, `{"absent": true}` for what the system has no call
for, or `{"error": "..."}`. The first line is the setting. Ends, and ends its workers, when its input ends.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.adapters.adapter import ADDRESS, Adapter, NotOffered, Setting

THREADS = 8

Figures = dict[str, Any]


class Driver:
    """Counts what it has submitted, so that it knows when all of it has ended."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._submitted = 0

    def start(self, count: int) -> Figures:
        """Start the workers and let them do `count`, so that they are warm."""
        self._adapter.start()
        self.submit(count)
        self._adapter.await_finished(self._submitted)
        return {}

    def prepare(self, count: int) -> Figures:
        """Make ready for `count` submits without workers."""
        self._adapter.prepare(count)
        return {}

    def submit(self, count: int) -> Figures:
        """Submit one by one."""
        cpu_before_s, began_s = time.process_time(), time.perf_counter()
        took = self._adapter.submit_each(self._numbers(count))
        return {
            "took_s": time.perf_counter() - began_s,
            "client_cpu_s": time.process_time() - cpu_before_s,
            **_percentiles(took),
        }

    def threads(self, count: int) -> Figures:
        """Submit from several threads, or tasks of an event loop, at once."""
        return {"took_s": self._adapter.submit_at_once(self._numbers(count), THREADS)}

    def many(self, count: int) -> Figures:
        """Submit all in one call."""
        began_s = time.perf_counter()
        self._adapter.submit_many(self._submitted, count)
        took_s = time.perf_counter() - began_s
        self._submitted += count
        return {"took_s": took_s}

    def round_trips(self, count: int) -> Figures:
        """Submit one and wait for its result, again and again."""
        return _percentiles(self._adapter.make_round_trips(self._numbers(count)))

    def rests(self, count: int) -> Figures:
        """Submit functions of a tenth of a second."""
        for number in self._numbers(count):
            self._adapter.submit_rest(number)
        return {}

    def hold(self, _: int) -> Figures:
        """Let the workers take nothing."""
        self._adapter.await_finished(self._submitted)
        self._adapter.hold()
        return {}

    def finish(self, _: int) -> Figures:
        """Let the workers go, until all results can be read."""
        began_s = time.perf_counter()
        self._adapter.let_go()
        self._adapter.await_finished(self._submitted)
        return {"took_s": time.perf_counter() - began_s}

    def _numbers(self, count: int) -> range:
        first = self._submitted
        self._submitted += count
        return range(first, first + count)


def main() -> None:
    """Answer line by line."""
    # What libraries print goes to the log; the answers have the pipe for themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    # So that the workers are ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    setting = json.loads(sys.stdin.readline())
    os.environ[ADDRESS] = setting["url"]
    adapter: Adapter = importlib.import_module(f"benchmarks.adapters.{sys.argv[1]}").ADAPTER(
        Setting(**{**setting, "folder": Path(setting["folder"])})
    )
    driver = Driver(adapter)
    try:
        for line in sys.stdin:
            asked = json.loads(line)
            verb: Callable[[int], Figures] = getattr(driver, asked["verb"])
            print(json.dumps(_answer(verb, asked["count"])), file=answers, flush=True)
    finally:
        adapter.stop()


def _answer(verb: Callable[[int], Figures], count: int) -> Figures:
    try:
        return verb(count)
    except NotOffered:
        return {"absent": True}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _percentiles(seconds: list[float]) -> Figures:
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {f"p{share}_us": ordered[math.ceil(share / 100 * len(ordered)) - 1] * 1e6 for share in (50, 99)}


if __name__ == "__main__":
    main()
