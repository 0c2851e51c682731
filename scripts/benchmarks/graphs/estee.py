"""How near the order of a run comes to the fastest schedule: sixteen graphs on 8 nodes of 4 cores, in simulated time.

Real scripts on a real server decide everything; the agents run nothing and let each function take as long as its graph
says. A figure is the makespan over max(critical path, work / cores). Every graph runs twice: with those durations given
to Handoff, and without any, so that it counts hops.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from math import exp, log
from statistics import fmean

from benchmarks.figures import Figure
from benchmarks.graphs.elementary import CORES, NODES, Task, least_s, list_schedule_s, load, longest_paths_s
from benchmarks.graphs.shapes import step
from benchmarks.graphs.trouble import Failed
from handoff import DAG, Cluster, Function
from handoff.ledger.housekeeping import tick
from handoff.local.server import RedisServer
from support.agent import FakeAgent, Result, ok

PART = "estee"
WITH, WITHOUT = "durations given", "no durations"
AT_MOST = {WITH: 1.10, WITHOUT: 1.14}
"""The bars of the geometric means."""

LEASE_MS = 30 * 24 * 3_600_000
"""Longer than any graph: nobody sends a heartbeat."""


def measure(size: int, repeats: int, tell: Callable[[str], None]) -> list[Figure]:
    """Run all graphs once, which is enough: nothing depends on chance. Neither a size nor repeats can be chosen.

    Raises `Absent` where the graphs are not here.
    """
    graphs = load()
    bounds = {name: least_s(tasks) for name, tasks in graphs.items()}
    ratios: dict[str, dict[str, float]] = {WITH: {}, WITHOUT: {}}
    orders: dict[str, dict[str, float]] = {WITH: {}, WITHOUT: {}}
    for name, tasks in graphs.items():
        for told, found in ratios.items():
            found[name] = _Simulation(tasks, told == WITH).run() / bounds[name]
            paths = longest_paths_s(tasks, None if told == WITH else 1.0)
            orders[told][name] = list_schedule_s(tasks, paths) / bounds[name]
        tell(f"{PART}: {name} {ratios[WITH][name]:.3f}, without durations {ratios[WITHOUT][name]:.3f}")
    figures = []
    for told, found in ratios.items():
        for name, tasks in graphs.items():
            note = f"{found[name]:.3f}; list scheduling {orders[told][name]:.3f}"
            figures.append(Figure(PART, f"{name}, {told}", [found[name]], "x", len(tasks), note))
    functions = sum(map(len, graphs.values()))
    for told, found in ratios.items():
        reference = _geometric_mean(orders[told].values())
        details = {"by_graph": found, "list_scheduling": orders[told], "least_s": bounds}
        mean = _geometric_mean(found.values())
        note = f"{mean:.4f}; list scheduling in the same order {reference:.4f}"
        figures.append(
            Figure(PART, f"geometric mean, {told}", [mean], "x", functions, note, AT_MOST[told], details=details)
        )
    return figures


class _Simulation:
    """One graph on a server of its own."""

    def __init__(self, tasks: Sequence[Task], tells_durations: bool) -> None:
        self._tasks = tasks
        self._tells_durations = tells_durations
        self._ends: list[tuple[int, int, str]] = []  # ms, node, reservation

    def run(self) -> float:
        """Let all of it run. -> its makespan in simulated seconds"""
        with RedisServer() as server, Cluster(server.url) as self._cluster:
            store = self._cluster.store
            began_ms = store.now_ms = int(time.time() * 1000)
            self._agents = [
                FakeAgent(store, f"node{number}", {"cpu": CORES, "slots": CORES}, lease_ms=LEASE_MS).register()
                for number in range(NODES)
            ]
            run = self._cluster.submit_dag(self._dag())
            self._start()
            while self._ends:
                store.now_ms = self._ends[0][0]
                ended: dict[int, list[Result]] = {}
                while self._ends and self._ends[0][0] == store.now_ms:
                    _, node, id = heapq.heappop(self._ends)
                    ended.setdefault(node, []).append(ok(id))
                for node, results in ended.items():
                    self._exchange(node, results)
                self._start()
            if run.status != "finished":
                raise Failed(f"nothing runs, and the run is {run.status}: {run.progress().counts}")
            return (store.now_ms - began_ms) / 1000

    def _dag(self) -> DAG:
        dag = DAG()
        for number, task in enumerate(self._tasks):
            needs = [str(need) for need in task.needs]
            duration = task.duration_s if self._tells_durations else None
            dag.add(Function(str(number), step, args=needs, cost={"cpu": task.cores}, duration=duration))
        return dag

    def _start(self) -> None:
        """Let the agents take what is placed, until nothing is."""
        keys = self._cluster.store.keys
        queues = [keys("rq_queue", keys.queue(agent.name)) for agent in self._agents]
        while True:
            tick(self._cluster.store)
            lengths = self._cluster.store.read_each([("LLEN", queue) for queue in queues])
            if not any(lengths):
                return
            for node, length in enumerate(lengths):
                if length:
                    self._exchange(node, [])

    def _exchange(self, node: int, results: list[Result]) -> None:
        agent = self._agents[node]
        before = set(agent.runs)
        if set(agent.finish(*results, room=CORES)) - {"stored"}:
            raise Failed(f"a result on {agent.name} was not stored")
        for id, started in agent.runs.items():
            if id not in before:
                task = self._tasks[int(started.job["h_function"])]
                end_ms = self._cluster.store.now_ms + round(task.duration_s * 1000)
                heapq.heappush(self._ends, (end_ms, node, id))


def _geometric_mean(ratios: Iterable[float]) -> float:
    return exp(fmean(map(log, ratios)))
