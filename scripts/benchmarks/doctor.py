"""What `handoff doctor` costs a live server: its time, that of its longest script, and how long it all takes.

Half of the functions stand on the queues of nodes, which are full, the others wait, with many shapes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.figures import Figure
from benchmarks.functions import nothing
from handoff import Cluster
from handoff.doctor.examine import examine
from handoff.local.server import RedisServer

PART = "doctor"

EACH = 20
"""Functions for each node: of 20,000 there are 1,000."""

SHAPES = 100

NOTED_US = 200
"""Scripts that take less are not noted one by one."""

NOTED = 100_000


class Unsound(Exception):
    """Books that nobody has touched are not right."""


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Look at `size` functions."""
    seconds, server_s, longest_ms = [], [], []
    nodes = max(1, size // EACH)
    with RedisServer() as server, Cluster(server.url) as cluster:
        _fill(cluster, nodes, size)
        tell(f"{PART}: {size:,} functions, {nodes:,} nodes")
        for repeat in range(repeats):
            client: Any = cluster.connection
            client.config_set("slowlog-log-slower-than", NOTED_US)
            client.config_set("slowlog-max-len", NOTED)
            client.slowlog_reset()
            before_s, began_s = _cpu_s(client), time.monotonic()
            if found := list(examine(cluster.store)):
                raise Unsound("\n".join(map(str, found[:10])))
            seconds.append(time.monotonic() - began_s)
            server_s.append(_cpu_s(client) - before_s)
            scripts = [
                each["duration"]
                for each in client.slowlog_get(NOTED)
                if each["command"].startswith((b"EVAL", b"FCALL"))
            ]
            longest_ms.append(max(scripts, default=NOTED_US) / 1000)
            tell(f"{PART} {repeat + 1}/{repeats}: {seconds[-1]:.1f} s, the longest script {longest_ms[-1]:.1f} ms")
    what = f"{nodes:,} nodes"
    return [
        Figure(PART, f"{what}, all of it", seconds, "s", size),
        Figure(PART, f"{what}, time of the server", server_s, "s", size),
        Figure(PART, f"{what}, longest script", longest_ms, "ms", size, "of what else the machine does, too"),
    ]


def _cpu_s(client: Any) -> float:
    spent = client.info("cpu")
    return float(spent["used_cpu_user"] + spent["used_cpu_sys"])


def _fill(cluster: Cluster, nodes: int, size: int) -> None:
    """Half of all is queued, the other half waits."""
    for number in range(nodes):
        cluster.register_node(f"node{number}", {"cpu": EACH // 2, "memory": 64_000}, labels={"zone": f"z{number % 8}"})
    for number in range(size):
        is_placed = number < nodes * (EACH // 2)
        cost = {"cpu": 1} if is_placed else {"cpu": 1, "memory": 100 + number % SHAPES}
        cluster.enqueue(nothing, cost=cost)
