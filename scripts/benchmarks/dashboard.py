"""What the dashboard takes with a thousand nodes and a hundred thousand functions that wait: for pages, and of Redis.

`handoff dashboard` in a process of its own, asked over HTTP. Nothing runs; a node is drained, and undrained, to see how
soon that shows.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2
import psutil

from benchmarks.figures import Figure
from handoff import Cluster
from handoff.local.server import RedisServer
from screens.seed import node_name, seed

PART = "dashboard"

WAITING_PER_NODE = 100

PAGES = {
    "overview": "/",
    "waiting": "/waiting",
    "functions": "/functions",
    "functions that wait, sorted": "/functions?state=waiting&sort=name",
    "nodes": "/nodes",
    "a node": f"/nodes/{node_name(0)}",
    "failures": "/failures",
    "task stream": "/tasks",
}

FORGOTTEN_S = 1.5
"""Until a page is asked for again: what was read for the last is not used any more."""

VIEWERS = (1, 20)

WATCHED_S = 5.0

UPDATE = "from a change to the overview"

BARS: dict[str, float] = {"overview, first look": 100, UPDATE: 1, "JavaScript of a page": 100_000}

LIMIT_S = 60


class Unseen(Exception):
    """What was changed never showed."""


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure with `size` functions that wait."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    nodes = max(2, size // WAITING_PER_NODE)
    with RedisServer() as server, Cluster(server.url) as cluster:
        seed(cluster, nodes, size)
        tell(f"{PART}: {size:,} functions, {nodes:,} nodes")
        with _dashboard(server.url) as (process, address):
            for repeat in range(repeats):
                for key, value in _measured(cluster, process, address):
                    found[key].append(value)
                tell(f"{PART} {repeat + 1}/{repeats}")
    return [Figure(PART, what, values, unit, size, at_most=BARS.get(what)) for (what, unit), values in found.items()]


@contextmanager
def _dashboard(url: str) -> Iterator[tuple[psutil.Process, str]]:
    command = [sys.executable, "-m", "handoff", "dashboard", "--port", "0", "--url", url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            told = re.search(r"http://\S+:\d+", process.stderr.readline())
            assert told is not None
            yield psutil.Process(process.pid), told[0]
        finally:
            process.terminate()


def _measured(cluster: Cluster, process: psutil.Process, address: str) -> Iterator[tuple[tuple[str, str], float]]:
    with httpx2.Client(base_url=address, timeout=LIMIT_S) as web:
        for name, path in PAGES.items():
            time.sleep(FORGOTTEN_S)
            began_s, spent_s = time.monotonic(), _spent_s(cluster, process)
            page = web.get(path)
            yield (f"{name}, first look", "ms"), (time.monotonic() - began_s) * 1000
            yield (f"{name}, processor time of that", "ms"), (_spent_s(cluster, process) - spent_s) * 1000
            yield (f"{name}, size", "bytes"), len(page.content)
        scripts = re.findall(r'src="([^"]+\.js)"', web.get("/").text)
        yield ("JavaScript of a page", "bytes"), sum(len(web.get(path).content) for path in scripts)
    yield (UPDATE, "s"), _update_s(cluster, address)
    for count in VIEWERS:
        yield from _watched(cluster, process, address, count)


def _update_s(cluster: Cluster, address: str) -> float:
    """How long after a node is drained a page that is kept current says so."""
    name = node_name(1)
    with httpx2.Client(base_url=address, timeout=LIMIT_S) as web, web.stream("GET", "/live/") as live:
        lines = live.iter_lines()
        next(line for line in lines if line.startswith("data:"))
        cluster.drain(name)
        began_s = time.monotonic()
        seen = next((time.monotonic() - began_s for line in lines if "s-draining" in line), None)
    cluster.undrain(name)
    if seen is None:
        raise Unseen(f"the overview did not show that {name} is drained")
    return seen


def _watched(
    cluster: Cluster, process: psutil.Process, address: str, count: int
) -> Iterator[tuple[tuple[str, str], float]]:
    """What so many viewers of the overview cost, while a function comes and goes twice a second."""
    over, received = threading.Event(), [0] * count
    client: Any = cluster.connection

    def watch(number: int) -> None:
        with httpx2.Client(base_url=address, timeout=LIMIT_S) as web, web.stream("GET", "/live/") as live:
            for part in live.iter_bytes():
                received[number] += len(part)
                if over.is_set():
                    return

    with ExitStack() as ending:
        for number in range(count):
            thread = threading.Thread(target=watch, args=(number,))
            thread.start()
            ending.callback(thread.join)
        ending.callback(over.set)
        time.sleep(FORGOTTEN_S)
        before, server_s, own_s = sum(received), _cpu_s(client), sum(process.cpu_times()[:2])
        began_s = time.monotonic()
        while time.monotonic() - began_s < WATCHED_S:
            handle = cluster.enqueue("films:cut", cost={"cpu": 1})
            time.sleep(0.5)
            handle.cancel()
        took_s = time.monotonic() - began_s
        viewers = f"{count} viewer{'s' if count > 1 else ''} of the overview"
        yield (f"{viewers}, of one core of Redis", "%"), (_cpu_s(client) - server_s) / took_s * 100
        yield (f"{viewers}, of one core of the dashboard", "%"), (sum(process.cpu_times()[:2]) - own_s) / took_s * 100
        yield (f"{viewers}, sent to each", "kB/s"), (sum(received) - before) / count / took_s / 1000


def _spent_s(cluster: Cluster, process: psutil.Process) -> float:
    """Processor time of the dashboard and of Redis so far: on a machine that is busy, all that can be compared."""
    return float(sum(process.cpu_times()[:2])) + _cpu_s(cluster.connection)


def _cpu_s(client: Any) -> float:
    spent = client.info("cpu")
    return float(spent["used_cpu_user_main_thread"] + spent["used_cpu_sys_main_thread"])
