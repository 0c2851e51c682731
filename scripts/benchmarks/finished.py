"""How many no-ops are finished per second from a full backlog, by two worker processes of each system.

All functions are submitted while nobody takes any; the clock runs from letting go until the last result is in Redis.
Every system has a server of its own, fresh for each repeat, and has run some functions before, but where it says cold.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import psutil
import redis
from rq import Queue
from rq.registry import FinishedJobRegistry

from benchmarks.figures import Figure, ratio
from benchmarks.functions import nothing
from benchmarks.spent import cpu_s, reaped_s
from benchmarks.waiting import wait_until
from handoff import Cluster, LocalCluster
from handoff.local.server import RedisServer
from handoff.words.variants import Cost

PROCESSES = 2
WARM_UP = 64
"""Functions run before the clock starts."""

WARM = "Handoff"
STANDARD = "rq SimpleWorker"
"""What all others are compared with."""


@dataclass(frozen=True, slots=True)
class Run:
    """One repeat."""

    per_second: float
    cpu_us: Mapping[str, float] = field(default_factory=dict)  #: per function, by kind of process


@dataclass(frozen=True, slots=True)
class System:
    """One way to get functions done."""

    name: str
    share: float  #: of the number of functions asked for: slow ones take fewer
    run: Callable[[int], Run]
    note: str = ""


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Measure all systems in turn, again and again, so that what disturbs the machine disturbs all of them."""
    runs: dict[str, list[Run]] = defaultdict(list)
    for repeat in range(repeats):
        for system in SYSTEMS:
            run = system.run(_size(system, size))
            runs[system.name].append(run)
            tell(f"finished {repeat + 1}/{repeats}: {system.name} {run.per_second:,.0f}/s")
    rates = {name: [run.per_second for run in runs[name]] for name in runs}
    figures = []
    for system in SYSTEMS:
        compared = f"{ratio(rates[system.name], rates[STANDARD]):.2f} x {STANDARD}"
        note = f"{compared}; {system.note}" if system.note else compared
        figures.append(Figure("finished", system.name, rates[system.name], "/s", _size(system, size), note))
    for kind in runs[WARM][0].cpu_us:
        spent = [run.cpu_us[kind] for run in runs[WARM]]
        figures.append(Figure("finished", f"CPU of {WARM}: {kind}", spent, "us each", size))
    return figures


def _size(system: System, size: int) -> int:
    return max(1, round(size * system.share))


# Handoff.


def _handoff(slots: int, *, warm: bool) -> Callable[[int], Run]:
    def run(size: int) -> Run:
        local = LocalCluster({f"node{number}": {"cpu": slots, "slots": slots} for number in range(PROCESSES)})
        with local as cluster:
            if warm:
                warm_up(cluster)
            return drain(local, cluster, size)

    return run


def warm_up(cluster: Cluster) -> None:
    """Have some functions run."""
    for handle in [cluster.enqueue(nothing) for _ in range(WARM_UP)]:
        handle.result(60)


def drain(local: LocalCluster, cluster: Cluster, size: int, cost: Cost | None = None) -> Run:
    """Have a backlog of no-ops finished that is full before the clock starts. The agents serve when it returns."""
    queues = [f"{cluster.namespace}.{node}" for node in local.agents]
    wait_until(lambda: _is_quiet(cluster, local), "the agents are quiet")
    before = _finished(cluster.connection, queues)
    for _ in range(size):
        cluster.enqueue(nothing, cost=cost)
    cpu_before = _cpu(local)
    started_s = time.perf_counter()
    _signal(local, signal.SIGCONT)
    _await_finished(cluster.connection, queues, before + size)
    took_s = time.perf_counter() - started_s
    return Run(
        size / took_s, {kind: (spent_s - cpu_before[kind]) / size * 1e6 for kind, spent_s in _cpu(local).items()}
    )


def _signal(local: LocalCluster, number: signal.Signals) -> None:
    for agent in local.agents.values():
        agent.send_signal(number)


def _is_quiet(cluster: Cluster, local: LocalCluster) -> bool:
    # Asked again and again: between its registration and its first step an agent may miss a signal.
    _signal(local, signal.SIGTSTP)
    return not any(cluster.resources_available(node, None) for node in local.agents)


def _cpu(local: LocalCluster) -> dict[str, float]:
    """CPU seconds so far by kind of process; those of children that were replaced are known to their nursery."""
    processes = processes_of(local)
    seconds = {kind: sum(map(cpu_s, found)) for kind, found in processes.items()}
    seconds["children"] += sum(map(reaped_s, processes["nurseries"]))
    return seconds


def processes_of(local: LocalCluster) -> dict[str, list[psutil.Process]]:
    """All that there are now, by kind."""
    agents = [psutil.Process(agent.pid) for agent in local.agents.values()]
    nurseries = [nursery for agent in agents for nursery in agent.children()]
    children = [child for nursery in nurseries for child in nursery.children()]
    redis_server = [psutil.Process(local.server.pid)]
    return {"redis": redis_server, "agents": agents, "nurseries": nurseries, "children": children}


# rq and the bare loop.


def _rq(worker: str) -> Callable[[int], Run]:
    def run(size: int) -> Run:
        with ExitStack() as stack:
            server = stack.enter_context(RedisServer())
            connection = stack.enter_context(redis.Redis.from_url(server.url))
            served, backlog = Queue("default", connection=connection), Queue("backlog", connection=connection)
            stack.enter_context(_peers(worker, server.url))
            for _ in range(WARM_UP):
                served.enqueue(nothing)
            _await_finished(connection, [served.name], WARM_UP)
            for _ in range(size):
                backlog.enqueue(nothing)
            started_s = time.perf_counter()
            # Whoever waits at the queue wakes: rq's own way to pause would let it sleep on for up to a second.
            connection.rename(backlog.key, served.key)
            # rq keeps a job's end with the queue that it was put on.
            _await_finished(connection, [backlog.name], size)
            return Run(size / (time.perf_counter() - started_s))

    return run


def _bare(size: int) -> Run:
    with ExitStack() as stack:
        server = stack.enter_context(RedisServer())
        client = stack.enter_context(redis.Redis.from_url(server.url))
        stack.enter_context(_peers("bare", server.url))
        client.rpush("work", *(f"warm{number}" for number in range(WARM_UP)))
        wait_until(lambda: client.llen("results") == WARM_UP, "the bare loops run")
        for number in range(size):
            client.rpush("backlog", f"{number:032x}")
        started_s = time.perf_counter()
        client.rename("backlog", "work")
        wait_until(lambda: client.llen("results") == WARM_UP + size, "the bare loops have ended")
        return Run(size / (time.perf_counter() - started_s))


def _await_finished(connection: redis.Redis, queues: Sequence[str], count: int) -> None:
    wait_until(lambda: _finished(connection, queues) >= count, f"{count} functions are finished")


def _finished(connection: redis.Redis, queues: Sequence[str]) -> int:
    registries = [FinishedJobRegistry(queue, connection=connection) for queue in queues]
    return sum(registry.get_job_count(cleanup=False) for registry in registries)


@contextmanager
def _peers(kind: str, url: str) -> Iterator[None]:
    """Run the worker processes of one system for the length of a block."""
    command = [sys.executable, "-m", "benchmarks.finished_workers", kind]
    # The URL holds a password, which does not belong on a command line that everybody can read.
    environment = {**os.environ, "BENCHMARK_REDIS_URL": url}
    processes = [subprocess.Popen(command, env=environment) for _ in range(PROCESSES)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


SYSTEMS = (
    System(WARM, 1.0, _handoff(8, warm=True), "8 slots a node"),
    System("Handoff, cold", 0.5, _handoff(128, warm=False), "128 slots a node, no child started yet"),
    System(STANDARD, 0.2, _rq("SimpleWorker")),
    System("rq Worker", 0.05, _rq("Worker"), "one fork a job"),
    System("redis-py loop", 2.0, _bare, "pop and push, no function"),
)
