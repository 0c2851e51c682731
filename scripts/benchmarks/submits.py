"""How many functions are submitted per second, by one client and by four processes at once, beside rq's enqueue."""

from __future__ import annotations

import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable
from multiprocessing.synchronize import Barrier

import redis
from rq import Queue

from benchmarks.figures import Figure, ratio
from benchmarks.functions import nothing
from handoff import Cluster
from handoff.local.server import RedisServer

CLIENTS = (1, 4)
COST = {"cpu": 1, "memory": 500}
STANDARD = "rq enqueue"

Submit = Callable[[], object]


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure all kinds of submits in turn; `size` submits in all, shared by the clients."""
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    for repeat in range(repeats):
        for kind, clients in _CASES:
            rate = _rate(kind, clients, max(1, size // clients))
            rates[kind, clients].append(rate)
            tell(f"submit {repeat + 1}/{repeats}: {kind}, {clients} at once {rate:,.0f}/s")
    return [
        Figure(
            "submit",
            f"{kind}, {clients} {'client' if clients == 1 else 'processes'}",
            rates[kind, clients],
            "/s",
            size,
            f"{ratio(rates[kind, clients], rates[STANDARD, clients]):.2f} x {STANDARD}",
        )
        for kind, clients in _CASES
    ]


def _rate(kind: str, clients: int, each: int) -> float:
    with RedisServer() as server:
        _prepare(kind, server.url)
        if clients == 1:
            began_s, ended_s = _submit(kind, server.url, each)
            return each / (ended_s - began_s)
        context = multiprocessing.get_context("spawn")
        barrier = context.Barrier(clients)
        with context.Pool(clients, _share, (barrier,)) as pool:
            spans = pool.starmap(_submit, [(kind, server.url, each)] * clients, chunksize=1)
        return clients * each / (max(ended for _, ended in spans) - min(began for began, _ in spans))


def _prepare(kind: str, url: str) -> None:
    """Leave as much room as `kind` says: enough for all functions, or none."""
    if kind == STANDARD:
        return
    room = 0 if kind == "Handoff, waits" else 1_000_000
    with Cluster(url) as cluster:
        for number in range(10):
            name = f"node{number}"
            cluster.register_node(name, {"cpu": room + 1, "memory": 500 * (room + 1)})
            if room == 0:
                cluster.tracker.request(name, COST)


_barrier: Barrier | None = None


def _share(barrier: Barrier) -> None:
    """Remember, in a process of the pool, where all of them begin together."""
    global _barrier
    _barrier = barrier


def _submit(kind: str, url: str, count: int) -> tuple[float, float]:
    """Submit `count` times after a first one. -> when that began and ended, by a clock that processes share."""
    if kind == STANDARD:
        with redis.Redis.from_url(url) as connection:
            queue = Queue("default", connection=connection)
            return _time(lambda: queue.enqueue(nothing), count)
    with Cluster(url) as cluster:
        return _time(lambda: cluster.enqueue(nothing, cost=COST), count)


def _time(submit: Submit, count: int) -> tuple[float, float]:
    submit()
    if _barrier is not None:
        _barrier.wait(60)
    began_s = time.monotonic()
    for _ in range(count):
        submit()
    return began_s, time.monotonic()


_CASES = [(kind, clients) for clients in CLIENTS for kind in ("Handoff, placed", "Handoff, waits", STANDARD)]
