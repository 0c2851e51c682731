"""How many functions are submitted per second, beside rq, and what a submit takes of the processors of both sides.

One by one by one client and by four processes at once, beside rq's enqueue; many at once beside its enqueue_many.
"""

from __future__ import annotations

import multiprocessing
import time
from collections import defaultdict
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from typing import Any, NamedTuple

import redis
from rq import Queue

from benchmarks.figures import Figure, ratio
from benchmarks.functions import nothing
from handoff import Cluster, Function
from handoff.local.server import RedisServer

COST = {"cpu": 1, "memory": 500}

STANDARD = "rq enqueue"
STANDARD_OF_MANY = "rq enqueue_many"

ONE_BY_ONE = ("Handoff, placed", "Handoff, waits", STANDARD)
MANY = ("Handoff many, placed", "Handoff many, waits", STANDARD_OF_MANY)

CASES = [(kind, clients) for clients, kinds in ((1, (*ONE_BY_ONE, *MANY)), (4, ONE_BY_ONE)) for kind in kinds]

WARM = 64
"""Functions that are submitted before the clock runs."""

Submit = Callable[[int], object]
"""Submits so many."""


class Span(NamedTuple):
    """What one client took."""

    began_s: float  #: by a clock that processes share
    ended_s: float
    cpu_s: float


class Taken(NamedTuple):
    """What all clients of one repeat took."""

    per_s: float
    client_us: float  #: of a processor, for each submit
    server_us: float


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure all kinds of submits in turn; `size` submits in all, shared by the clients."""
    taken: dict[tuple[str, int], list[Taken]] = defaultdict(list)
    for repeat in range(repeats):
        for kind, clients in CASES:
            found = _measure(kind, clients, max(1, size // clients))
            taken[kind, clients].append(found)
            rate = f"{found.per_s:,.0f}/s, {found.client_us:.0f} + {found.server_us:.0f} us"
            tell(f"submit {repeat + 1}/{repeats}: {kind}, {clients} at once {rate}")
    return [figure for case in CASES for figure in _figures(case, taken, size)]


def _figures(case: tuple[str, int], taken: dict[tuple[str, int], list[Taken]], size: int) -> list[Figure]:
    kind, clients = case
    standard = STANDARD_OF_MANY if kind in MANY else STANDARD
    what = f"{kind}, {clients} {'client' if clients == 1 else 'processes'}"
    found = []
    for field, name, unit in (
        ("per_s", "", "/s"),
        ("client_us", ", CPU of the client", "us"),
        ("server_us", ", CPU of Redis", "us"),
    ):
        values, others = ([getattr(each, field) for each in taken[of, clients]] for of in (kind, standard))
        # Of four processes the rate alone.
        if clients == 1 or not name:
            note = f"{ratio(values, others):.2f} x {standard}"
            found.append(Figure("submit", f"{what}{name}", values, unit, size, note))
    return found


def _measure(kind: str, clients: int, each: int) -> Taken:
    with RedisServer() as server:
        _prepare(kind, server.url)
        before_s = _cpu_s(server)
        if clients == 1:
            spans = [_submit(kind, server.url, each)]
        else:
            context = multiprocessing.get_context("spawn")
            barrier = context.Barrier(clients)
            with context.Pool(clients, _share, (barrier,)) as pool:
                spans = pool.starmap(_submit, [(kind, server.url, each)] * clients, chunksize=1)
        server_s = _cpu_s(server) - before_s
        count = clients * each
        passed_s = max(span.ended_s for span in spans) - min(span.began_s for span in spans)
        cpu_s = sum(span.cpu_s for span in spans)
        return Taken(count / passed_s, cpu_s / count * 1e6, server_s / (count + clients * WARM) * 1e6)


def _cpu_s(server: RedisServer) -> float:
    """What the server has taken so far; its own count is finer than the system's."""
    with redis.Redis.from_url(server.url) as connection:
        told: Any = connection.info("cpu")
    return float(told["used_cpu_user"] + told["used_cpu_sys"])


def _prepare(kind: str, url: str) -> None:
    """Leave as much room as `kind` says: enough for all functions, or none."""
    if kind in (STANDARD, STANDARD_OF_MANY):
        return
    room = 0 if kind.endswith("waits") else 1_000_000
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


def _submit(kind: str, url: str, count: int) -> Span:
    """Submit `count` functions after some first ones."""
    if kind in (STANDARD, STANDARD_OF_MANY):
        with redis.Redis.from_url(url) as connection:
            queue = Queue("default", connection=connection)
            if kind == STANDARD:
                return _time(lambda number: [queue.enqueue(nothing) for _ in range(number)], count)
            return _time(lambda number: queue.enqueue_many([Queue.prepare_data(nothing) for _ in range(number)]), count)
    with Cluster(url) as cluster:
        if kind in MANY:
            return _time(
                lambda number: cluster.submit_many([Function(f"f{i}", nothing, cost=COST) for i in range(number)]),
                count,
            )
        return _time(lambda number: [cluster.enqueue(nothing, cost=COST) for _ in range(number)], count)


def _time(submit: Submit, count: int) -> Span:
    submit(WARM)
    if _barrier is not None:
        _barrier.wait(60)
    began_s, cpu_s = time.monotonic(), time.process_time()
    submit(count)
    return Span(began_s, time.monotonic(), time.process_time() - cpu_s)
